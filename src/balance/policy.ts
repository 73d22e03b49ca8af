// policy.ts: which of the available endpoints gets a request.

import type { PolicyName } from '../core/policy-name.ts';
import type { Random } from '../core/random.ts';

/** What a request would find on one available endpoint. */
export interface Work {
  /** Leases, divided by the slow-start share, plus others' traffic. */
  readonly inFlight: number;
  /** 0..1 */
  readonly matchRatio: number;
  /** Uncached prompt tokens that were sent there and whose first token has not come. */
  readonly queuedTokens: number;
  /** Of this prompt, shared blocks discounted. */
  readonly uncachedTokens: number;
  /** Of this prompt, undiscounted, plus the mean answer. */
  readonly insertedTokens: number;
  /** What inserting costs the others there, 0..1. */
  readonly pressure: number;
  /** By how much what is in use there, this request and another like it exceed the cache: the engine lets so much end before it begins with them. */
  readonly overfullTokens: number;
}

/** One available endpoint, as a policy sees it. */
export interface Candidate extends Work {
  /** Its `prefixCost`. */
  readonly cost: number;
}

/** What a choice may depend on besides the candidates. */
export interface Draw {
  readonly random: Random;
  /** How many choices this listener made before. */
  readonly turn: number;
}

/** The index of the chosen candidate. There is always one. */
export type Policy = (candidates: readonly Candidate[], draw: Draw) => number;

export interface PolicyOptions {
  /** `prefix-threshold` follows a match ratio above this one. */
  readonly matchRatioMin: number;
}

/** The prefills of others ahead of this one: much of that work is over when its turn comes. */
const QUEUED_WEIGHT = 1 / 3;
/** An inserted token evicts one that is needed again about every other time. */
const INSERTED_WEIGHT = 1 / 2;
/** What a request costs its neighbours even when everything is cached. */
const REQUEST_TOKENS = 256;

export function createPolicy(name: PolicyName, options: PolicyOptions): Policy {
  switch (name) {
    case 'prefix-cost':
      return (candidates, draw) => least(candidates, byCost, draw.random);
    case 'prefix-threshold':
      return (candidates, draw) => {
        const warmest = least(candidates, byMatchRatio, draw.random);
        return candidates[warmest]!.matchRatio > options.matchRatioMin ? warmest : least(candidates, byInFlight, draw.random);
      };
    case 'least-request':
      return (candidates, draw) => least(candidates, byInFlight, draw.random);
    case 'round-robin':
      return (candidates, draw) => draw.turn % candidates.length;
    case 'random':
      return (candidates, draw) => Math.floor(draw.random() * candidates.length);
  }
}

/** Tokens to compute ahead of this request's first one, times how many requests share the engine. */
export function prefixCost({ queuedTokens, uncachedTokens, insertedTokens, pressure, overfullTokens, inFlight }: Omit<Work, 'matchRatio'>): number {
  const tokens = queuedTokens * QUEUED_WEIGHT + uncachedTokens + overfullTokens + pressure * insertedTokens * INSERTED_WEIGHT + REQUEST_TOKENS;
  return tokens * (inFlight + 1);
}

/** Negative: the first is preferred. */
type Order = (a: Candidate, b: Candidate) => number;

const byInFlight: Order = (a, b) => a.inFlight - b.inFlight;
const byCost: Order = (a, b) => a.cost - b.cost || byInFlight(a, b);
const byMatchRatio: Order = (a, b) => b.matchRatio - a.matchRatio || byInFlight(a, b);

/** The first in that order; among k equal ones each with probability 1/k, in one pass. */
function least(candidates: readonly Candidate[], order: Order, random: Random): number {
  let chosen = 0;
  let ties = 1;
  for (let i = 1; i < candidates.length; i++) {
    const difference = order(candidates[i]!, candidates[chosen]!);
    if (difference < 0) {
      chosen = i;
      ties = 1;
    } else if (difference === 0) {
      ties++;
      if (random() * ties < 1) chosen = i;
    }
  }
  return chosen;
}

/** Who would have been chosen without the chosen one; undefined where there is no other, or chance alone decides. Of several equal ones the first. */
export function runnerUp(name: PolicyName, options: PolicyOptions, candidates: readonly Candidate[], chosen: number): number | undefined {
  if (name === 'random' || candidates.length < 2) return undefined;
  if (name === 'round-robin') return (chosen + 1) % candidates.length;
  const others = candidates.filter((_, i) => i !== chosen);
  const next = createPolicy(name, options)(others, { random: () => 1, turn: 0 });
  return next < chosen ? next : next + 1;
}
