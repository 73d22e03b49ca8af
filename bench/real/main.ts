// main.ts: the bench against real engines as a command.

import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createProgress } from '../load/progress.ts';
import { untilSignal } from '../load/signal.ts';
import { percent } from '../load/table.ts';
import { help, readFlags, type Plan } from './flags.ts';
import { reportOf } from './report.ts';
import { runTemperature, type TemperatureRun } from './temperature.ts';
import { vllmServer, type VllmServer } from './vllm-server.ts';

const TEMPERATURES = [0, 1];
const ERROR_MAX = 0.02;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let plan: Plan | 'help';
  try {
    plan = readFlags(args);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\nSee node bench/real/main.ts --help.\n`);
    return 2;
  }
  if (plan === 'help') {
    process.stdout.write(help);
    return 0;
  }
  try {
    return report(plan, await runAll(plan), ['node bench/real/main.ts', ...args].join(' '));
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    return 1;
  }
}

async function runAll(plan: Plan): Promise<TemperatureRun[]> {
  const stop = new AbortController();
  void untilSignal().then((signal) => stop.abort(new Error(`Stopped by ${signal}.`)));
  const stopped = new Promise<never>((_, reject) => stop.signal.addEventListener('abort', () => reject(stop.signal.reason)));
  stopped.catch(() => {}); // Nobody may be waiting.
  const progress = createProgress();
  const servers: VllmServer[] = [];
  const runs: TemperatureRun[] = [];
  const play = async (): Promise<void> => {
    for (const at of [1, 2]) servers.push(await vllmServer(plan.script, join(tmpdir(), `warmroute-real-${process.pid}-${at}.log`)));
    progress.update(0, 'starting two vLLM servers');
    await Promise.all(servers.map((server) => server.start()));
    for (const temperature of TEMPERATURES) {
      const onProgress = (share: number, detail: string): void => progress.update((runs.length + share) / TEMPERATURES.length, `temperature ${temperature}: ${detail}`);
      runs.push(await runTemperature(plan, temperature, servers, stop.signal, onProgress));
    }
  };
  try {
    await Promise.race([play(), stopped]);
    return runs;
  } finally {
    progress.end();
    stop.abort(new Error('The bench is over.'));
    await Promise.all(servers.map((server) => server.stop()));
  }
}

function report(plan: Plan, runs: readonly TemperatureRun[], command: string): number {
  const { users, rounds, atATime, output } = plan;
  const lines = [`Two vLLM servers, ${users} conversations × ${rounds} rounds, ${atATime} requests at a time, one server started again midway`];
  let reached = true;
  const figures = runs.map(({ temperature, judged, awayS, failures }) => {
    const { error, withoutRestart, requests, table } = reportOf(judged);
    lines.push(
      '',
      `Temperature ${temperature}: error ${percent(error.share, 2)} of the prompt tokens over ${requests} requests, ${percent(withoutRestart.share, 2)} without those sent during the restart` +
        ` (${awayS.toFixed(0)} s; ${failures.length} requests failed and were asked again).`,
      '',
      table,
    );
    if (temperature === 0) reached = error.share <= ERROR_MAX;
    return { temperature, awayS, failures, error, withoutRestart, judged };
  });
  lines.push(`Error at temperature 0: target ${reached ? 'reached' : 'MISSED'} (at most ${percent(ERROR_MAX, 0)}).`, `Figures in ${output}`);
  process.stdout.write(`${lines.join('\n')}\n`);
  mkdirSync(dirname(output), { recursive: true });
  writeFileSync(output, `${JSON.stringify({ command, date: new Date().toISOString(), node: process.version, ...plan, runs: figures }, null, 2)}\n`);
  return reached ? 0 : 1;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
