// comparison.ts: the workload on both ports of a router in front of simulated replicas, seed by seed, and the verdict.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { watchMachine } from '../load/machine.ts';
import { createProgress } from '../load/progress.ts';
import { readPredictions } from '../load/router-log.ts';
import { startRun, warmUp } from '../load/run.ts';
import { createScaledClock } from '../load/scaled-clock.ts';
import { untilSignal } from '../load/signal.ts';
import { startStack } from '../load/stack.ts';
import type { Comparison } from './flags.ts';
import { reportOf, type Measured, type PortName } from './report.ts';

/** Users of one seed have numbers, and so texts, that no other seed's have. */
const USERS_OF_A_SEED_MAX = 100_000;
const PROGRESS_INTERVAL_MS = 500;
/** Above this share of all cores, times say more about this machine than about the router. */
const BUSY_SHARE_MAX = 0.7;

/** Prints a table, writes the figures to a file, and resolves to the exit code: 1 when a target is missed. */
export async function compare(plan: Comparison, command: string): Promise<number> {
  const { workload, timeScale, replicas, preset, output } = plan;
  const watched = watchMachine();
  const measured = await measureAll(plan);
  const machine = watched();

  const { table, verdict, figures, reached } = reportOf(measured);
  const lines = [
    `Multi-round QA: ${workload.users} users × ${workload.rounds} rounds at ${workload.qps} requests/s for ${workload.durationS} s,` +
      ` ${replicas} replicas (preset ${preset})`,
    '',
    table,
    `Seconds are simulated, at ${timeScale} real ones each. The machine's processors were ${Math.round(machine.busyShare * 100)} % busy;` +
      ` this process's event loop came at most ${machine.loopDelayP99Ms.toFixed(1)} ms late in 99 % of its turns.`,
    ...(machine.busyShare > BUSY_SHARE_MAX ? ['The machine was too busy for these times to be exact: try a larger --time-scale.'] : []),
    verdict,
    `Figures in ${output}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);

  const result = { command, date: new Date().toISOString(), node: process.version, workload, replicas, preset, timeScale, machine, ...figures };
  mkdirSync(dirname(output), { recursive: true });
  writeFileSync(output, `${JSON.stringify(result, null, 2)}\n`);
  return reached ? 0 : 1;
}

/** Two phases with all seeds side by side; which port comes first alternates, so that no drift of the machine favours one. */
async function measureAll(plan: Comparison): Promise<Measured[]> {
  const { seeds, replicas } = plan;
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
        progress.update((phase + Math.min(...shares)) / 2, `${seeds.length} × ${replicas} replicas, part ${phase + 1} of 2`);
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
async function measure(plan: Comparison, seed: number, port: PortName, signal: AbortSignal, onProgress: (share: number) => void): Promise<Measured> {
  const { workload, timeScale, replicas, preset, withUserId } = plan;
  const stack = await startStack({ replicas, preset, timeScale, seed });
  const stopped = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason));
  });
  const play = async (): Promise<Measured> => {
    const clock = createScaledClock(timeScale);
    const target = { baseUrl: stack.urls[port], model: stack.model, withUserId };
    await warmUp(target, clock);
    const userIdBefore = workload.userIdBefore + seed * USERS_OF_A_SEED_MAX;
    const run = startRun({ ...workload, userIdBefore }, plan.questionsOf(seed), target, clock, signal);
    const ticking = setInterval(() => onProgress(Math.min(1, (clock.nowS() - run.startedS) / workload.durationS)), PROGRESS_INTERVAL_MS);
    await run.done;
    clearInterval(ticking);
    if (run.failures.length > 0) throw new Error(`${run.failures.length} requests failed on ${port} with seed ${seed}: ${run.failures[0]}`);
    const predictions = await readPredictions(stack.logFile, new Set(run.rounds.map(({ id }) => id)));
    return { seed, port, rounds: run.rounds, predictions };
  };
  try {
    return await Promise.race([play(), stack.broken, stopped]);
  } finally {
    await stack.stop();
  }
}
