// draws.ts: the random numbers of workloads, and who may use which ids.

import { type Random, seededRandom } from '../../../src/core/random.ts';
import type { Stage } from '../run.ts';

/** Contents that belong to one session: at most so many. */
const CONTENTS_PER_SESSION = 4096;
const SHARED_FROM = 2 ** 45;

/** Content `at` of a session, and of no other. */
export function ownContent(session: number, at: number): number {
  return (session + 1) * CONTENTS_PER_SESSION + at;
}

/** Content that sessions share. */
export function sharedContent(at: number): number {
  return SHARED_FROM + at;
}

/** A generator for one session alone: what it draws is the same in whatever order sessions are served. */
export function randomOf(seed: number, session: number): Random {
  return seededRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(session + 1, 0x85ebca6b));
}

export function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - random());
}

/** A number with this mean whose standard deviation is `spread` × the mean. */
export function lognormal(random: Random, mean: number, spread: number): number {
  const variance = Math.log(1 + spread * spread);
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return mean * Math.exp(normal * Math.sqrt(variance) - variance / 2);
}

/** A whole number of tokens, lognormal, at least `least` and at most 10 × the mean. */
export function tokens(random: Random, mean: number, spread = 0.5, least = 8): number {
  return Math.round(Math.min(10 * mean, Math.max(least, lognormal(random, mean, spread))));
}

/** Draws 0 … count − 1; number k is 1 / (k + 1)^exponent as likely as the first. */
export function zipf(count: number, exponent: number): (random: Random) => number {
  const cumulative = new Float64Array(count);
  let sum = 0;
  for (let k = 0; k < count; k++) cumulative[k] = sum += (k + 1) ** -exponent;
  return (random) => {
    const drawn = random() * sum;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulative[middle]! > drawn) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

/** Arrivals as they come from many who know nothing of one another. `each` hears their number. */
export function poisson(stage: Stage, random: Random, perS: number, fromS: number, untilS: number, each: (at: number) => void): void {
  let count = 0;
  const next = (afterS: number): void => {
    const atS = afterS + exponential(random, 1 / perS);
    if (atS >= untilS) return;
    stage.at(atS, () => {
      each(count++);
      next(atS);
    });
  };
  next(fromS);
}
