// main.ts: the multi-round QA bench as a command.

import { writeFileSync } from 'node:fs';
import { createScaledClock } from '../load/scaled-clock.ts';
import { untilSignal } from '../load/signal.ts';
import { compare } from './comparison.ts';
import { help, readFlags, type Flags, type Measurement } from './flags.ts';
import { startRun, warmUp } from '../load/run.ts';
import { csvOf, summaryText } from './summary.ts';

const FAILURES_SHOWN_MAX = 5;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let flags: Flags;
  try {
    flags = readFlags(args);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\nSee node bench/qa/main.ts --help.\n`);
    return 2;
  }
  try {
    switch (flags.kind) {
      case 'help':
        process.stdout.write(help);
        return 0;
      case 'comparison':
        return await compare(flags, ['node bench/qa/main.ts', ...args].join(' '));
      case 'measurement':
        return await measure(flags);
    }
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    return 1;
  }
}

async function measure({ workload, questions, target, timeScale, output, logIntervalS }: Measurement): Promise<number> {
  const clock = createScaledClock(timeScale);
  process.stderr.write(`Warming up ${target.baseUrl}\n`);
  await warmUp(target, clock);

  const stopping = new AbortController();
  void stopWhenSignalled(stopping);
  const run = startRun(workload, questions, target, clock, stopping.signal);
  const print = (fromS: number): void => {
    process.stdout.write(summaryText(run.rounds, { qps: workload.qps, inFlight: run.inFlight(), fromS, toS: clock.nowS() }));
  };
  const finished = new AbortController();
  void run.done.then(() => finished.abort());
  for (let fromS = run.startedS; ; fromS += logIntervalS) {
    await clock.until(fromS + logIntervalS, finished.signal);
    if (finished.signal.aborted) break;
    print(fromS);
  }
  print(run.startedS);
  writeFileSync(output, csvOf(run.rounds));
  process.stderr.write(`${run.rounds.length} rounds in ${output}\n`);
  if (run.failures.length === 0) return 0;
  process.stderr.write(`${run.failures.length} requests failed:\n  ${run.failures.slice(0, FAILURES_SHOWN_MAX).join('\n  ')}\n`);
  return 1;
}

async function stopWhenSignalled(stopping: AbortController): Promise<void> {
  await untilSignal();
  process.stderr.write('Stopping: waiting for the answers under way; again to give up\n');
  stopping.abort();
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
