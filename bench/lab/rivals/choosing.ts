// choosing.ts: the least of some numbers, as rules want it: ties at random.

import type { Random } from '../../../src/core/random.ts';

/** The place of the least score; among k equal ones each with probability 1/k. */
export function least(scores: readonly number[], random: Random): number {
  let chosen = 0;
  let ties = 1;
  for (let at = 1; at < scores.length; at++) {
    if (scores[at]! < scores[chosen]!) {
      chosen = at;
      ties = 1;
    } else if (scores[at] === scores[chosen]) {
      ties += 1;
      if (random() * ties < 1) chosen = at;
    }
  }
  return chosen;
}

/** The same among those whose `allowed` is true; there is one at least. */
export function leastOf(scores: readonly number[], allowed: readonly boolean[], random: Random): number {
  return least(scores.map((score, at) => (allowed[at] === true ? score : Infinity)), random);
}

/** 32 bits of two numbers. */
export function hashOf(one: number, other: number): number {
  let mixed = Math.imul(one ^ Math.imul(Math.floor(one / 0x1_0000_0000), 0x27d4eb2f) ^ Math.imul(other + 1, 0x9e3779b1), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae35);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0x27d4eb2f);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
