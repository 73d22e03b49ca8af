// main.ts: whether anything grows in a router that is used for long: `npm run bench:soak`.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Agent } from 'undici';
import { seededRandom } from '../../src/core/random.ts';
import { call } from '../faults/client.ts';
import { Load } from '../faults/load.ts';
import { atMost, count as countOf, type Figure } from '../faults/result.ts';
import { commonConversations, Stage, type Conversations } from '../faults/stage.ts';
import { positive } from '../load/flag-values.ts';
import { createProgress } from '../load/progress.ts';
import { repeatUntilTold } from '../load/repeat.ts';
import { tableOf } from '../load/table.ts';
import { flatnessOf, isFlat, sampleOf, type Flatness, type Sample, type Weighed } from './samples.ts';

const SHORTS_PER_S = 100;
const LONG_STREAMS = 20;
const PATIENCE_MS = 30_000;
const LEAVES_EVERY_MS = 100;
const STAYS_MS_MAX = 1500;
const RESTART_EVERY_MS = 15_000;
const RELOAD_EVERY_MS = 5000;
const SAMPLES = 90;
const WEIGHED_MS_MAX = 60_000;
const POLL_MS = 20;

const help = `usage: node bench/soak/main.ts [options]

Three simulated endpoints, the router before them, ${SHORTS_PER_S} short requests a second and ${LONG_STREAMS} long streams; ten clients a second leave before
their answer ends, an endpoint restarts every ${RESTART_EVERY_MS / 1000} s, the configuration changes every ${RELOAD_EVERY_MS / 1000} s. Prints memory, sockets, timers and gauges by thirds
of the time; exits with 1 unless the last third is as the middle one and everything is back at 0 in the end.

  --minutes N    (10)
  --help
`;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, help: { type: 'boolean', short: 'h' } } });
  if (values.help === true) {
    process.stdout.write(help);
    return 0;
  }
  const durationMs = 60_000 * positive('minutes', values.minutes);
  const conversations = await commonConversations();
  const folder = mkdtempSync(join(tmpdir(), 'warmroute-soak-'));
  const file = join(folder, 'weighed.json');
  const stage = await Stage.set({ nodeArgs: ['--expose-gc', '--import', `${new URL('./weigh-in-process.ts', import.meta.url).href}?file=${file}`] });
  try {
    const { samples, load, left } = await soak(stage, conversations, durationMs, () => weigh(stage, file));
    const never = (['lost', 'silent', 'hung', 'mixed'] as const).map((verdict) => atMost(verdict, countOf(load.sent, verdict), 0));
    const figures = [...never, atMost('left alive', await stage.leftAlive(), 0), atMost('gauges', await stage.gauges(), 0)];
    const flatness = flatnessOf(samples);
    process.stdout.write(`${load.sent.length} requests answered or told, ${left} clients left\n\n${tableOfSoak(flatness)}\n${figures.map(lineOf).join('')}`);
    return isFlat(flatness, figures) ? 0 : 1;
  } finally {
    await stage.strike();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Asks the router for its weight and waits for it. */
async function weigh({ router }: Stage, file: string): Promise<Sample> {
  rmSync(file, { force: true });
  router.child.kill('SIGUSR2');
  const deadlineMs = performance.now() + WEIGHED_MS_MAX;
  while (!existsSync(file)) {
    if (performance.now() > deadlineMs) throw new Error(`the router did not react within ${WEIGHED_MS_MAX} ms`);
    await sleep(POLL_MS);
  }
  return sampleOf(JSON.parse(readFileSync(file, 'utf8')) as Weighed, await router.metrics());
}

async function soak(stage: Stage, conversations: Conversations, durationMs: number, look: () => Promise<Sample>): Promise<{ readonly samples: readonly Sample[]; readonly load: Load; readonly left: number }> {
  const load = new Load({ ...conversations, url: stage.router.url, shortsPerS: SHORTS_PER_S, longStreams: LONG_STREAMS, patienceMs: PATIENCE_MS });
  const leaving = leavers(stage, conversations);
  let turn = 0;
  const restarts = repeatUntilTold(RESTART_EVERY_MS, () => stage.endpoints[turn++ % stage.endpoints.length]!.fault({ kind: 'restart', downMs: 500 }));
  const reloads = repeatUntilTold(RELOAD_EVERY_MS, async () => stage.reload({ in_flight_max: 1000 + (turn % 10) }));
  const samples: Sample[] = [];
  const progress = createProgress();
  const startMs = performance.now();
  while (samples.length < SAMPLES) {
    await sleep(Math.max(0, startMs + ((samples.length + 1) * durationMs) / SAMPLES - performance.now()));
    samples.push(await look());
    progress.update(samples.length / SAMPLES, `${load.sent.length} requests`);
  }
  progress.end();
  await Promise.all([restarts(), reloads(), load.end()]);
  return { samples, load, left: await leaving() };
}

/** Clients that leave after a random time. What it returns ends that and tells how many there were. */
function leavers(stage: Stage, { longs }: Conversations): () => Promise<number> {
  const agent = new Agent({ pipelining: 1 });
  const random = seededRandom(1);
  const underWay = new Set<Promise<unknown>>();
  let left = 0;
  const end = repeatUntilTold(LEAVES_EVERY_MS, async () => {
    const at = left++;
    const leaving = call({ url: stage.router.url, agent, id: `leaver-${at}`, conversation: longs[at % longs.length]!, streams: at % 3 !== 0, patienceMs: STAYS_MS_MAX * random() });
    underWay.add(leaving);
    void leaving.then(() => underWay.delete(leaving));
  });
  return async () => {
    await end();
    await Promise.all(underWay);
    await agent.destroy();
    return left;
  };
}

function tableOfSoak(flatness: readonly Flatness[]): string {
  const rows = flatness.map(({ name, thirds, allowance, flat }) => [name, ...thirds.map((mean) => mean.toFixed(1)), `+ ${allowance.toFixed(1)}`, flat ? 'flat' : 'GROWS']);
  return tableOf(['mean', 'first third', 'middle third', 'last third', 'allowed', ''], rows);
}

function lineOf({ what, value, target, met }: Figure): string {
  return `${what} ${value} (${target})${met ? '' : ' MISSED'}\n`;
}
