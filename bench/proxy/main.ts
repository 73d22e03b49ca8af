// main.ts: what the router costs beside a bare proxy made of the same libraries: processor time a request and a chunk, memory a stream.

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bare, nginx, router, start, type Contestant, type Running } from './contestants.ts';
import { measures, type Measure } from './measures.ts';
import { Report } from './report.ts';
import type { UpstreamCommand } from './upstream-process.ts';

const PAIRS = 7;
const PAIRS_QUICK = 3;

const help = `usage: npm run bench:proxy -- [options]

Starts the router and a bare proxy in front of the same engines, loads them in turn, and prints the median of the ratios of their
costs with the spread. Exits with 1 when a target is missed.

  --quick          ${PAIRS_QUICK} pairs instead of ${PAIRS}
  --only TEXT      measures whose name contains TEXT
  --against DIR    compare with the router of another checkout; there are no targets then
  --profile DIR    write CPU profiles of all but nginx there
  --help
`;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    only: { type: 'string', default: '' },
    against: { type: 'string' },
    profile: { type: 'string' },
    help: { type: 'boolean' },
  },
});

/** Runs each measure in turn on each contestant, again and again, so that a slow minute of the machine falls on all of them. */
async function compare(measure: Measure, contestants: readonly Contestant[], origins: readonly string[], pairs: number, report: Report): Promise<void> {
  let running: readonly Running[] = [];
  try {
    for (let pair = 0; pair < pairs; pair += 1) {
      if (running.length === 0 && measure.processLives !== 'a turn') running = await startAll(measure, contestants, origins);
      const costs = contestants.map(() => 0);
      for (let turn = 0; turn < measure.turns; turn += 1) {
        for (const [i, contestant] of inTurn(contestants, pair + turn)) {
          const proxy = running[i] ?? (await start(contestant, origins));
          try {
            costs[i]! += (await measure.take(proxy)) / measure.turns;
          } finally {
            if (measure.processLives === 'a turn') await proxy.stop();
          }
        }
      }
      for (const [i, { name }] of contestants.entries()) report.note(measure, name, costs[i]!);
      process.stdout.write(`${measure.name}: ${pair + 1}/${pairs}: ${report.lastRound(measure)}\n`);
      if (measure.processLives !== 'a pair') continue;
      await stopAll(running);
      running = [];
    }
  } finally {
    await stopAll(running);
  }
}

async function startAll(measure: Measure, contestants: readonly Contestant[], origins: readonly string[]): Promise<readonly Running[]> {
  const running: Running[] = [];
  try {
    for (const contestant of contestants) {
      const proxy = await start(contestant, origins);
      running.push(proxy);
      await measure.warm(proxy);
    }
  } catch (error) {
    await stopAll(running);
    throw error;
  }
  return running;
}

async function stopAll(running: readonly Running[]): Promise<void> {
  for (const proxy of running) await proxy.stop();
}

/** With their numbers, each the first by turns: who comes first finds another machine than who comes last. */
function inTurn(contestants: readonly Contestant[], turn: number): readonly (readonly [number, Contestant])[] {
  const all = [...contestants.entries()];
  const first = turn % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}

async function run(): Promise<number> {
  const reference = values.against === undefined ? bare(values.profile) : router('other', values.against, values.profile);
  const here = router('router', fileURLToPath(new URL('../..', import.meta.url)), values.profile);
  const contestants = [reference, here, ...(nginx === undefined ? [] : [nginx])];
  const report = new Report(reference.name, here.name, nginx?.name, values.against === undefined);
  const engines = fork(fileURLToPath(new URL('upstream-process.ts', import.meta.url)));
  try {
    const origins = await new Promise<string[]>((resolve) => engines.once('message', (message) => resolve(message as string[])));
    const tell = (command: UpstreamCommand): void => void engines.send(command);
    for (const measure of measures(tell)) {
      if (measure.name.includes(values.only)) await compare(measure, contestants, origins, values.quick === true ? PAIRS_QUICK : PAIRS, report);
    }
  } finally {
    engines.disconnect();
  }
  process.stdout.write(`\n${report.table()}\n`);
  return report.missed ? 1 : 0;
}

if (values.help === true) process.stdout.write(help);
else process.exitCode = await run();
