// main.ts: the replay bench as a command.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { readTrace, type TraceLine } from '../lab/workloads/mooncake.ts';
import { watchMachine, type Machine } from '../load/machine.ts';
import { createProgress } from '../load/progress.ts';
import { predictionError, readPredictions } from '../load/router-log.ts';
import { warmUp } from '../load/run.ts';
import { createScaledClock } from '../load/scaled-clock.ts';
import { untilSignal } from '../load/signal.ts';
import { startStack } from '../load/stack.ts';
import { presets } from '../simulator/engine/step-time.ts';
import { help, readFlags, type Plan } from './flags.ts';
import { playBack } from './playback.ts';
import { figuresOf, reportOf, type PortFigures, type PortName } from './report.ts';

const PROMPT_AND_ANSWER_TOKENS_MAX = 131_072;
/** Above this share of all cores, times say more about this machine than about the router. */
const BUSY_SHARE_MAX = 0.8;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let plan: Plan | 'help';
  try {
    plan = readFlags(args);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\nSee node bench/replay/main.ts --help.\n`);
    return 2;
  }
  if (plan === 'help') {
    process.stdout.write(help);
    return 0;
  }
  try {
    return await compare(plan, ['node bench/replay/main.ts', ...args].join(' '));
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    return 1;
  }
}

/** One port after the other, so that neither waits for the other's processor. */
async function compare(plan: Plan, command: string): Promise<number> {
  const lines = readTrace(plan.trace).filter(
    (line) => line.timestamp < plan.minutes * 60_000 && line.input_length + line.output_length <= Math.min(PROMPT_AND_ANSWER_TOKENS_MAX, presets[plan.preset].kvTokens),
  );
  const stop = new AbortController();
  void untilSignal().then((signal) => stop.abort(new Error(`Stopped by ${signal}.`)));
  const progress = createProgress();
  const watched = watchMachine();
  const run = (port: PortName, part: number): Promise<PortFigures> =>
    measure(plan, lines, port, stop.signal, (answered, inFlight) => {
      progress.update((part + answered / lines.length) / 2, `${port === 'prefix' ? 8081 : 8080}: ${answered} of ${lines.length} answered, ${inFlight} under way`);
    });
  let prefix: PortFigures;
  let baseline: PortFigures;
  try {
    prefix = await run('prefix', 0);
    baseline = await run('baseline', 1);
  } finally {
    progress.end();
  }
  return report(plan, command, prefix, baseline, watched());
}

async function measure(
  plan: Plan,
  lines: readonly TraceLine[],
  port: PortName,
  signal: AbortSignal,
  onProgress: (answered: number, inFlight: number) => void,
): Promise<PortFigures> {
  const { endpoints, preset, timeScale, speed } = plan;
  const stack = await startStack({ replicas: endpoints, preset, timeScale, seed: 1 });
  try {
    const clock = createScaledClock(timeScale);
    const target = { baseUrl: stack.urls[port], model: stack.model };
    const play = async (): Promise<PortFigures> => {
      await warmUp(target, clock);
      const played = await playBack({ ...target, lines, speed, clock, signal, onProgress });
      const predictions = await readPredictions(stack.logFile, new Set(played.map(({ id }) => id)));
      return figuresOf(port, played, predictionError(predictions), endpoints * presets[preset].kvTokens);
    };
    return await Promise.race([play(), stack.broken]);
  } finally {
    await stack.stop();
  }
}

function report(plan: Plan, command: string, prefix: PortFigures, baseline: PortFigures, machine: Machine): number {
  const { table, verdict, reached } = reportOf(prefix, baseline);
  const { minutes, speed, endpoints, preset, timeScale, output } = plan;
  const lines = [
    `${minutes} minutes of ${plan.trace.split('/').at(-1)} at ${speed} × its speed, ${endpoints} replicas (preset ${preset})`,
    '',
    table,
    `Seconds are simulated, at ${timeScale} real ones each. The machine's processors were ${Math.round(machine.busyShare * 100)} % busy; this process's event loop came at` +
      ` most ${machine.loopDelayP99Ms.toFixed(1)} ms late in 99 % of its turns, and 99 % of the requests were sent at most ${(prefix.sentLateS.p99 * 1000).toFixed(0)} ms late.`,
    ...(machine.busyShare > BUSY_SHARE_MAX ? ['The machine was too busy for these times to be exact: try a larger --time-scale.'] : []),
    verdict,
    `Figures in ${output}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  mkdirSync(dirname(output), { recursive: true });
  writeFileSync(output, `${JSON.stringify({ command, date: new Date().toISOString(), node: process.version, ...plan, machine, prefix, baseline }, null, 2)}\n`);
  return reached ? 0 : 1;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
