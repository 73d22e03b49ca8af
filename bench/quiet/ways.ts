// ways.ts: the ways to spread the conversations of a quiet run, and one run of one of them.

import { createHash } from 'node:crypto';
import { predictionError, readPredictions } from '../load/router-log.ts';
import { createScaledClock } from '../load/scaled-clock.ts';
import { startStack, type Stack } from '../load/stack.ts';
import { sum } from '../load/statistics.ts';
import { tokensOfAll } from './conversations.ts';
import type { Plan } from './flags.ts';
import { playAll, type Round } from './play.ts';

export type Way = 'prefix-cost' | 'session hash' | 'round robin' | 'least-request';

export interface Outcome {
  readonly way: Way;
  readonly requests: number;
  /** Cached of all prompt tokens, as the replicas reported them, from the second round on. */
  readonly hitRatio: number;
  readonly meanTtftS: number;
  /** Of the prompt tokens; undefined past the router. */
  readonly predictionError: number | undefined;
}

/** The simulator's default, too. */
const BLOCK_TOKENS = 16;

/** Of each replica's cache, with the null block. */
export function blocksOf({ shape, cacheShare }: Plan): number {
  return Math.ceil((tokensOfAll(shape) * cacheShare) / BLOCK_TOKENS) + 1;
}

/** One way on a stack of its own, caches cold. */
export async function runWay(plan: Plan, seed: number, way: Way, signal: AbortSignal, onRound: (done: number) => void): Promise<Outcome> {
  const { replicas, preset, timeScale, shape, atATime } = plan;
  const stack = await startStack({ replicas, preset, timeScale, seed, blocks: blocksOf(plan) });
  try {
    const clock = createScaledClock(timeScale);
    const playing = { shape, seed, atATime, model: stack.model, clock, urlOf: wayTo(way, stack, seed), signal, onRound };
    const rounds = await Promise.race([playAll(playing), stack.broken]);
    return { way, ...figuresOf(rounds), predictionError: await errorOf(way, stack, rounds) };
  } finally {
    await stack.stop();
  }
}

/** Where a request goes; `turn` counts all requests from 0. */
function wayTo(way: Way, { urls, replicaUrls }: Stack, seed: number): (user: number, turn: number) => string {
  switch (way) {
    case 'prefix-cost':
      return () => urls.prefix;
    case 'least-request':
      return () => urls.baseline;
    case 'session hash':
      return (user) => replicaUrls[hash(`${seed}/${user}`) % replicaUrls.length]!;
    case 'round robin':
      return (_, turn) => replicaUrls[turn % replicaUrls.length]!;
  }
}

function hash(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE();
}

function figuresOf(rounds: readonly Round[]): Pick<Outcome, 'requests' | 'hitRatio' | 'meanTtftS'> {
  const later = rounds.filter(({ round }) => round > 1);
  return {
    requests: rounds.length,
    hitRatio: sum(later.map((round) => round.cachedTokens)) / sum(later.map((round) => round.promptTokens)),
    meanTtftS: sum(rounds.map((round) => round.firstTokenS - round.launchedS)) / rounds.length,
  };
}

async function errorOf(way: Way, stack: Stack, rounds: readonly Round[]): Promise<number | undefined> {
  if (way !== 'prefix-cost' && way !== 'least-request') return undefined;
  return predictionError(await readPredictions(stack.logFile, new Set(rounds.map(({ id }) => id)))).share;
}
