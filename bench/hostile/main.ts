// main.ts: how long hostile bodies hold up everybody else: `npm run bench:hostile`.

import { fork, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Agent, request } from 'undici';
import { positive } from '../load/flag-values.ts';
import { distributionOf } from '../load/statistics.ts';
import { tableOf } from '../load/table.ts';
import { harmlessBody, hostileBodies } from './bodies.ts';
import { startSinkEndpoint } from './endpoint.ts';

const HOSTILE_PER_S = 20;
const NORMAL_PER_S = 50;
const HEALTH_EVERY_MS = 50;
/** MUSTs. */
const DELAY_MORE_MS_MAX = 30;
const HEALTH_MS_MAX = 100;
const SETTLE_MS = 500;

const help = `usage: npm run bench:hostile -- [options]

${HOSTILE_PER_S} large bodies a second beside ${NORMAL_PER_S} ordinary requests: by turns hostile ones and harmless ones of the same sizes. Prints the 99th percentile of the
router's event-loop delay and the times of GET /health. Exits with 1 unless the median of the delays is at most ${DELAY_MORE_MS_MAX} ms above that with
harmless bodies, and /health within ${HEALTH_MS_MAX} ms in the median of the hostile rounds.

  --rounds N     of each kind (3)
  --seconds N    of each round (6)
  --help
`;

interface Round {
  readonly kind: 'harmless' | 'hostile';
  readonly delayP99Ms: number;
  readonly healthMaxMs: number;
  readonly statuses: ReadonlyMap<number, number>;
}

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' }, seconds: { type: 'string', default: '6' }, help: { type: 'boolean', short: 'h' } } });
  if (values.help === true) {
    process.stdout.write(help);
    return 0;
  }
  const roundMs = 1000 * positive('seconds', values.seconds);
  const hostile = hostileBodies().map(({ bytes }) => bytes);
  const harmless = hostile.map(({ length }) => harmlessBody(length));
  const endpoint = await startSinkEndpoint();
  const router = fork(fileURLToPath(new URL('router-process.ts', import.meta.url)), [endpoint.url], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  try {
    const url = await told<string>(router);
    await play(router, url, 'harmless', harmless, roundMs / 2);
    const rounds: Round[] = [];
    for (let i = 0; i < positive('rounds', values.rounds); i += 1) {
      rounds.push(await play(router, url, 'harmless', harmless, roundMs));
      rounds.push(await play(router, url, 'hostile', hostile, roundMs));
    }
    return report(rounds);
  } finally {
    router.kill();
    endpoint.close();
  }
}

async function play(router: ChildProcess, url: string, kind: Round['kind'], bodies: readonly Buffer[], durationMs: number): Promise<Round> {
  const dispatcher = new Agent({ pipelining: 1 });
  const statuses = new Map<number, number>();
  const underWay = new Set<Promise<unknown>>();
  const healthMs: number[] = [];
  const send = async (body: Buffer): Promise<void> => {
    const answer = await request(`${url}/v1/chat/completions`, { method: 'POST', dispatcher, headers: { 'content-type': 'application/json' }, body });
    await answer.body.dump();
    statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1);
  };
  const ordinary = harmlessBody(2_000);
  const every = (intervalMs: number, run: (turn: number) => Promise<void>): (() => void) => {
    let turn = 0;
    const timer = setInterval(() => {
      const work = run(turn++);
      underWay.add(work);
      void work.finally(() => underWay.delete(work));
    }, intervalMs);
    return () => clearInterval(timer);
  };
  await delayP99Ms(router); // Reading it begins it anew.
  const ends = [
    every(1000 / HOSTILE_PER_S, (turn) => send(bodies[turn % bodies.length]!)),
    every(1000 / NORMAL_PER_S, () => send(ordinary)),
    every(HEALTH_EVERY_MS, async () => {
      const askedMs = performance.now();
      await (await request(`${url}/health`, { dispatcher })).body.dump();
      healthMs.push(performance.now() - askedMs);
    }),
  ];
  await sleep(durationMs);
  for (const end of ends) end();
  await Promise.all(underWay);
  const delay = await delayP99Ms(router);
  await dispatcher.destroy();
  await sleep(SETTLE_MS);
  return { kind, delayP99Ms: delay, healthMaxMs: Math.max(...healthMs), statuses };
}

/** Since it was read last. */
function delayP99Ms(router: ChildProcess): Promise<number> {
  router.send('delay');
  return told<number>(router);
}

/** What the router sends next. Rejects when it ends first. */
function told<T>(router: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (code: number | null): void => reject(new Error(`the router ended by itself (exit code ${code})`));
    router.once('exit', end);
    router.once('message', (message) => {
      router.off('exit', end);
      resolve(message as T);
    });
  });
}

function report(rounds: readonly Round[]): number {
  const rows = rounds.map(({ kind, delayP99Ms: delay, healthMaxMs, statuses }) => [kind, delay.toFixed(1), healthMaxMs.toFixed(1), [...statuses].toSorted().map(([status, count]) => `${count} × ${status}`).join(', ')]);
  process.stdout.write(`${tableOf(['bodies', 'event-loop delay p99, ms', '/health at most, ms', 'answers'], rows)}\n`);
  const of = (kind: Round['kind']): readonly Round[] => rounds.filter((round) => round.kind === kind);
  const median = (kind: Round['kind']): number => distributionOf(of(kind).map(({ delayP99Ms: delay }) => delay)).p50;
  const more = median('hostile') - median('harmless');
  const slowest = distributionOf(of('hostile').map(({ healthMaxMs }) => healthMaxMs)).p50;
  const met = more <= DELAY_MORE_MS_MAX && slowest <= HEALTH_MS_MAX;
  process.stdout.write(`${met ? 'met' : 'missed'}: ${more.toFixed(1)} ms more delay (at most ${DELAY_MORE_MS_MAX}), /health within ${slowest.toFixed(1)} ms (at most ${HEALTH_MS_MAX})\n`);
  return met ? 0 : 1;
}
