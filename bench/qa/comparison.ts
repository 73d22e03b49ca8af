// comparison.ts: the workload on both ports of a router in front of simulated replicas, seed by seed, and the verdict.

import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { watchMachine } from '../load/machine.ts';
import { createProgress } from '../load/progress.ts';
import { createScaledClock } from '../load/scaled-clock.ts';
import { untilSignal } from '../load/signal.ts';
import { startStack } from '../load/stack.ts';
import type { Flags } from './flags.ts';
import { reportOf, type Measured, type PortName } from './report.ts';
import { startRun, warmUp } from '../load/run.ts';

const SEEDS = [1, 2, 3];
const TIME_SCALE = 0.25;
const QUICK_TIME_SCALE = 0.1;
/** Users of one seed have numbers, and so texts, that no other seed's have. */
const USERS_OF_A_SEED_MAX = 100_000;
const PROGRESS_INTERVAL_MS = 500;
/** Above this share of all cores, times say more about this machine than about the router. */
const BUSY_SHARE_MAX = 0.7;

const resultsFile = new URL('../results/qa.json', import.meta.url);

interface Plan {
  readonly flags: Flags;
  readonly durationS: number;
  readonly timeScale: number;
}

/** Prints a table, writes the figures to a file, and resolves to the exit code: 1 when the target is missed. */
export async function compare(flags: Flags, args: readonly string[]): Promise<number> {
  const plan: Plan = { flags, durationS: flags.workload.durationS ?? 0, timeScale: flags.timeScale ?? (flags.quick ? QUICK_TIME_SCALE : TIME_SCALE) };
  const seeds = flags.seeds ?? (flags.quick ? SEEDS.slice(0, 1) : SEEDS);
  const watched = watchMachine();
  const measured = await measureAll(plan, seeds);
  const machine = watched();

  const report = reportOf(measured);
  const setting = `${flags.workload.users} users × ${flags.workload.rounds} rounds at ${flags.workload.qps} requests/s for ${plan.durationS} s, ${flags.replicas} replicas (preset ${flags.preset})`;
  const note = `Seconds are simulated, at ${plan.timeScale} real ones each. CPU ${percent(machine.busyShare)} busy; this process's event loop at most ${machine.loopDelayP99Ms.toFixed(1)} ms late in 99 % of its turns.`;
  process.stdout.write(`Multi-round QA: ${setting}\n\n${report.table}\n${note}\n`);
  if (machine.busyShare > BUSY_SHARE_MAX) process.stdout.write('The machine was too busy for these times to be exact: try a larger --time-scale.\n');
  process.stdout.write(`${report.verdict}\n`);

  mkdirSync(new URL('.', resultsFile), { recursive: true });
  const result = { command: ['node bench/qa/main.ts', ...args].join(' '), date: new Date().toISOString(), node: process.version, workload: flags.workload, replicas: flags.replicas, preset: flags.preset, timeScale: plan.timeScale, machine, ...report.figures };
  writeFileSync(resultsFile, `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(`Figures in ${fileURLToPath(resultsFile)}\n`);
  return report.reached ? 0 : 1;
}

/** Two phases with all seeds side by side; which port comes first alternates, so that no drift of the machine favours one. */
async function measureAll(plan: Plan, seeds: readonly number[]): Promise<Measured[]> {
  const progress = createProgress();
  const stop = new AbortController();
  void untilSignal().then((signal) => stop.abort(new Error(`Stopped by ${signal}.`)));
  const measured: Measured[] = [];
  for (const phase of [0, 1]) {
    const shares = seeds.map(() => 0);
    const one = async (seed: number, at: number): Promise<void> => {
      const port = at % 2 === phase ? 'prefix' : 'baseline';
      const onProgress = (share: number): void => {
        shares[at] = share;
        progress.update((phase + Math.min(...shares)) / 2, `${seeds.length} × ${plan.flags.replicas} replicas, part ${phase + 1} of 2`);
      };
      try {
        measured.push(await measure(plan, seed, port, stop.signal, onProgress));
      } catch (error) {
        stop.abort(error);
      }
    };
    await Promise.all(seeds.map(one));
    if (stop.signal.aborted) break;
  }
  progress.end();
  stop.signal.throwIfAborted();
  return measured;
}

/** One seed on one port of a stack of its own. */
async function measure({ flags, durationS, timeScale }: Plan, seed: number, port: PortName, signal: AbortSignal, onProgress: (share: number) => void): Promise<Measured> {
  const { replicas, preset } = flags;
  const stack = await startStack({ replicas, preset, timeScale, seed, ports: { prefix: 0, baseline: 0, admin: 0 } });
  const stopped = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason));
  });
  const play = async (): Promise<Measured> => {
    const clock = createScaledClock(timeScale);
    const target = { baseUrl: stack.urls[port], model: stack.model, withUserId: flags.withUserId };
    await warmUp(target, clock);
    const userIdBefore = flags.workload.userIdBefore + seed * USERS_OF_A_SEED_MAX;
    const run = startRun({ ...flags.workload, userIdBefore }, flags.questionsOf(seed), target, clock, signal);
    const ticking = setInterval(() => onProgress(Math.min(1, (clock.nowS() - run.startedS) / durationS)), PROGRESS_INTERVAL_MS);
    await run.done;
    clearInterval(ticking);
    if (run.failures.length > 0) throw new Error(`${run.failures.length} requests failed on ${port} with seed ${seed}: ${run.failures[0]}`);
    return { seed, port, rounds: run.rounds };
  };
  try {
    return await Promise.race([play(), stack.broken, stopped]);
  } finally {
    await stack.stop();
  }
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
