// report.ts: the ways beside each other, and the verdict. Pure.

import { percent, tableOf } from '../load/table.ts';
import type { Outcome, Way } from './ways.ts';

export interface SeedOutcomes {
  readonly seed: number;
  readonly outcomes: readonly Outcome[];
}

const HIT_RATIO_MIN = 0.9;
/** How far below the session hash, at most. */
const BELOW_HASH_MAX = 0.02;

/** `reached` holds when every seed reaches both targets. */
export function reportOf(seeds: readonly SeedOutcomes[]): { readonly table: string; readonly verdict: string; readonly reached: boolean } {
  const header = ['seed', 'way', 'requests', 'hit ratio, rounds 2 on', 'TTFT mean', 'prediction error'];
  const rows = seeds.flatMap(({ seed, outcomes }) =>
    outcomes.map(({ way, requests, hitRatio, meanTtftS, predictionError }, at) => [
      at === 0 ? String(seed) : '',
      way,
      String(requests),
      hitRatio.toFixed(3),
      `${meanTtftS.toFixed(2)} s`,
      predictionError === undefined ? '' : percent(predictionError, 2),
    ]),
  );
  const missed = seeds.flatMap(({ seed, outcomes }) => {
    const [prefix, hash] = [ratioOf(outcomes, 'prefix-cost'), ratioOf(outcomes, 'session hash')];
    return prefix >= HIT_RATIO_MIN && prefix >= hash - BELOW_HASH_MAX ? [] : [`seed ${seed}: ${prefix.toFixed(3)} by prefix, ${hash.toFixed(3)} by session hash`];
  });
  const wanted = `at least ${HIT_RATIO_MIN.toFixed(2)}, and at most ${BELOW_HASH_MAX} below the session hash`;
  const verdict = missed.length === 0 ? `Hit ratio by prefix: target reached (${wanted}).` : `Hit ratio by prefix: target MISSED (${wanted}): ${missed.join('; ')}.`;
  return { table: tableOf(header, rows, 2), verdict, reached: missed.length === 0 };
}

function ratioOf(outcomes: readonly Outcome[], way: Way): number {
  return outcomes.find((outcome) => outcome.way === way)?.hitRatio ?? NaN;
}
