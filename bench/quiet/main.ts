// main.ts: the quiet bench as a command.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createProgress } from '../load/progress.ts';
import { untilSignal } from '../load/signal.ts';
import { help, readFlags, type Plan } from './flags.ts';
import { reportOf, type SeedOutcomes } from './report.ts';
import { blocksOf, runWay, type Outcome, type Way } from './ways.ts';

const WAYS: readonly Way[] = ['prefix-cost', 'session hash', 'round robin', 'least-request'];

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let plan: Plan | 'help';
  try {
    plan = readFlags(args);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\nSee node bench/quiet/main.ts --help.\n`);
    return 2;
  }
  if (plan === 'help') {
    process.stdout.write(help);
    return 0;
  }
  try {
    return report(plan, await runAll(plan), ['node bench/quiet/main.ts', ...args].join(' '));
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    return 1;
  }
}

/** One after the other, so that none waits for another's processor. */
async function runAll(plan: Plan): Promise<SeedOutcomes[]> {
  const { shape, seeds } = plan;
  const progress = createProgress();
  const stop = new AbortController();
  void untilSignal().then((signal) => stop.abort(new Error(`Stopped by ${signal}.`)));
  const requests = shape.users * shape.rounds;
  const done: SeedOutcomes[] = [];
  try {
    for (const seed of seeds) {
      const outcomes: Outcome[] = [];
      for (const way of WAYS) {
        const before = done.length * WAYS.length + outcomes.length;
        const onRound = (rounds: number): void => progress.update((before + rounds / requests) / (seeds.length * WAYS.length), `seed ${seed}, ${way}`);
        outcomes.push(await runWay(plan, seed, way, stop.signal, onRound));
        stop.signal.throwIfAborted();
      }
      done.push({ seed, outcomes });
    }
  } finally {
    progress.end();
  }
  return done;
}

function report(plan: Plan, seeds: readonly SeedOutcomes[], command: string): number {
  const { shape, atATime, replicas, preset, cacheShare, timeScale, output } = plan;
  const { table, verdict, reached } = reportOf(seeds);
  const lines = [
    `${shape.users} users × ${shape.rounds} rounds, ${atATime} requests at a time, a system prompt of ${shape.systemTokens} tokens,` +
      ` ${replicas} replicas (preset ${preset}) that each hold ${cacheShare} of what all users need (${blocksOf(plan)} blocks)`,
    '',
    table,
    `Seconds are simulated, at ${timeScale} real ones each.`,
    verdict,
    `Figures in ${output}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  mkdirSync(dirname(output), { recursive: true });
  writeFileSync(output, `${JSON.stringify({ command, date: new Date().toISOString(), node: process.version, ...plan, seeds }, null, 2)}\n`);
  return reached ? 0 : 1;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
