// main.ts: the multi-round QA bench as a command.

import { writeFileSync } from 'node:fs';
import { createScaledClock } from '../load/scaled-clock.ts';
import { untilSignal } from '../load/signal.ts';
import { compare } from './comparison.ts';
import { help, readFlags, type Flags } from './flags.ts';
import { startRun, warmUp, type Target } from '../load/run.ts';
import { csvOf, summaryText } from './summary.ts';

const FAILURES_SHOWN_MAX = 5;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let flags: Flags | undefined;
  try {
    flags = readFlags(args);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\nSee node bench/qa/main.ts --help.\n`);
    return 2;
  }
  if (flags === undefined) {
    process.stdout.write(help);
    return 0;
  }
  const { baseUrl, model } = flags;
  try {
    if (baseUrl === undefined || model === undefined) return await compare(flags, args);
    return await measure(flags, { baseUrl, model, withUserId: flags.withUserId, ...(flags.apiKey === undefined ? {} : { apiKey: flags.apiKey }) });
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    return 1;
  }
}

/** One run against a server that is there already. */
async function measure(flags: Flags, target: Target): Promise<number> {
  const { workload, logIntervalS } = flags;
  const clock = createScaledClock(flags.timeScale ?? 1);
  process.stderr.write(`Warming up ${target.baseUrl}\n`);
  await warmUp(target, clock);

  const stopping = new AbortController();
  void stopWhenSignalled(stopping);
  const run = startRun(workload, flags.questionsOf(flags.seeds?.[0] ?? 1), target, clock, stopping.signal);
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
  writeFileSync(flags.output, csvOf(run.rounds));
  process.stderr.write(`${run.rounds.length} rounds in ${flags.output}\n`);
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
