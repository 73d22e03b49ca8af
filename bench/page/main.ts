// main.ts: what an open page costs the router: `npm run bench:page`. Ends with 1 when a target is missed.

import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startChild, type Child } from '../load/child.ts';
import { positive } from '../load/flag-values.ts';
import { watchMachine } from '../load/machine.ts';
import { sum } from '../load/statistics.ts';
import { percent } from '../load/table.ts';
import { cpuTimeUs } from '../proxy/process-cost.ts';
import { ENDPOINTS, startBenchRouter, type BenchRouter } from './router.ts';

const CHOICES_PER_S = 2000;
const TURN_MS = 5;
const WARM_UP_MS = 4000;
/** Until a page that is opened or closed is so. */
const TOGGLED_MS = 100;
/** MUSTs. */
const MORE_MAX = 0.05;
const SHOWN_WITHIN_MS = 1000;

const help = `usage: npm run bench:page -- [options]

A router of ${ENDPOINTS} endpoints makes ${CHOICES_PER_S} choices a second of prompts of 8 KB, in this process: reading, choosing, learning, log line and metrics, but no sockets of
requests. By turns a page is open, in a process of its own, and closed. Prints this process's processor time in both. Exits with 1 unless an open
page adds at most ${100 * MORE_MAX} % over all pairs, and shows choices within ${SHOWN_WITHIN_MS} ms.

  --pairs N      (24)
  --seconds N    of each half of a pair (1)
  --help
`;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const listener = new URL('listener-process.ts', import.meta.url).pathname;

interface Pair {
  readonly open: number;
  readonly closed: number;
}

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { pairs: { type: 'string', default: '24' }, seconds: { type: 'string', default: '1' }, help: { type: 'boolean', short: 'h' } } });
  if (values.help === true) {
    process.stdout.write(help);
    return 0;
  }
  const halfMs = 1000 * positive('seconds', values.seconds);
  const router = await startBenchRouter(1);
  const machine = watchMachine();
  let latestMs = 0;
  const { child } = await startChild(listener, [router.adminUrl], (line) => {
    if (Number(line) > latestMs) latestMs = Number(line);
    return true;
  });
  const stop = drive(router);
  try {
    await sleep(WARM_UP_MS);
    const pairs: Pair[] = [];
    for (let pair = 0; pair < positive('pairs', values.pairs); pair += 1) {
      // Open, closed, closed, open, open, closed: whatever drifts favours neither, and the page is opened or closed before the first half and each second one.
      if (pair === 0) await toggle(child);
      const first = await cpuShare(halfMs);
      await toggle(child);
      const second = await cpuShare(halfMs);
      pairs.push(pair % 2 === 0 ? { open: first, closed: second } : { open: second, closed: first });
    }
    return report(pairs, latestMs, machine().busyShare);
  } finally {
    stop();
    child.kill('SIGKILL');
    await child.ended;
    await router.close();
  }
}

async function toggle(child: Child): Promise<void> {
  child.kill('SIGUSR2');
  await sleep(TOGGLED_MS);
}

/** Requests at their rate, whatever they take, until it is told to stop. */
function drive(router: BenchRouter): () => void {
  const beganMs = performance.now();
  let made = 0;
  const turns = setInterval(() => {
    for (const due = ((performance.now() - beganMs) / 1000) * CHOICES_PER_S; made < due; made += 1) router.request();
  }, TURN_MS);
  return () => clearInterval(turns);
}

/** Processor time of this process while so much time passes, as a share of one core. A collection of all garbage, which comes every few seconds, would tell by chance. */
async function cpuShare(forMs: number): Promise<number> {
  collectGarbage();
  const [beganMs, beganUs] = [performance.now(), cpuTimeUs(process.pid)];
  await sleep(forMs);
  return (cpuTimeUs(process.pid) - beganUs) / 1000 / (performance.now() - beganMs);
}

/** All open halves against all closed ones: the ratio of one pair says little, as the machine's speed changes more than an open page does. */
function report(pairs: readonly Pair[], latestMs: number, busyShare: number): number {
  const mean = (values: readonly number[]): number => sum(values) / values.length;
  const [open, closed] = [mean(pairs.map((pair) => pair.open)), mean(pairs.map((pair) => pair.closed))];
  const more = open / closed - 1;
  const deviations = pairs.map((pair) => pair.open - pair.closed - (open - closed));
  const standardError = Math.sqrt(sum(deviations.map((each) => each * each)) / (pairs.length - 1) / pairs.length) / closed;
  const isMet = more <= MORE_MAX && latestMs <= SHOWN_WITHIN_MS;
  process.stdout.write(`Closed ${percent(closed)} of a core, open ${percent(open)}: ${percent(more)} more, standard error ${percent(standardError)} (${pairs.length} pairs; target: at most ${percent(MORE_MAX, 0)}).\n`);
  process.stdout.write(`Choices are shown within ${latestMs} ms (target: ${SHOWN_WITHIN_MS} ms). The machine was ${percent(busyShare, 0)} busy. ${isMet ? 'All targets met.' : 'MISSED.'}\n`);
  return isMet ? 0 : 1;
}
