// crew.ts: performs jobs in several processes.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Job, Result } from './job.ts';

const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url));

/** Neighbours take about as long as one another: begun far apart, what is done tells how long the rest will take. */
const SPREAD = 0.618;

/** Results in the order of the jobs, whichever process was faster. `onDone` hears of each as it comes. */
export async function performAll(jobs: readonly Job[], processes: number, tracesDir: string, onDone: (result: Result) => void): Promise<Result[]> {
  const results: Result[] = [];
  const order = jobs.map((_, at) => at).toSorted((a, b) => ((a * SPREAD) % 1) - ((b * SPREAD) % 1));
  let next = 0;
  const work = async (): Promise<void> => {
    const worker = fork(WORKER, [tracesDir], { serialization: 'advanced' });
    try {
      while (next < jobs.length) {
        const at = order[next++]!;
        results[at] = await answerOf(worker, jobs[at]!);
        onDone(results[at]);
      }
    } finally {
      worker.kill();
    }
  };
  await Promise.all(Array.from({ length: Math.min(processes, jobs.length) }, work));
  return results;
}

function answerOf(worker: ChildProcess, job: Job): Promise<Result> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => {
      reject(new Error(`The process for '${job.workload}' under ${job.policy} (seed ${job.seed}) ended with ${code}`));
    };
    worker.once('exit', onExit);
    worker.once('message', (result) => {
      worker.off('exit', onExit);
      resolve(result as Result);
    });
    worker.send(job);
  });
}
