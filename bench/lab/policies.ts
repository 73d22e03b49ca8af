// policies.ts: every policy that the lab compares, by name.

import type { Router, RouterOptions } from './router.ts';
import { boundedHash, sessionHash } from './rivals/by-hash.ts';
import { aibrix, cacheAware, longestMatch, powerOfTwo, seedThreshold } from './rivals/by-match.ts';
import { dynamo, gieDefault, llmdNewest, lmetric } from './rivals/by-score.ts';
import { createRivalRouter } from './rivals/rival-router.ts';
import { createShippedRouter } from './shipped-router.ts';

/** Ours first; they are the shipped code. */
export const policies = {
  'prefix-cost': (options) => createShippedRouter('prefix-cost', options),
  'prefix-threshold': (options) => createShippedRouter('prefix-threshold', options),
  'least-request': (options) => createShippedRouter('least-request', options),
  'round-robin': (options) => createShippedRouter('round-robin', options),
  random: (options) => createShippedRouter('random', options),
  p2c: (options) => createRivalRouter(powerOfTwo, options),
  'session-hash': (options) => createRivalRouter(sessionHash, options),
  chwbl: (options) => createRivalRouter(boundedHash(), options),
  'seed-threshold': (options) => createRivalRouter(seedThreshold(), options),
  gie: (options) => createRivalRouter(gieDefault(options.capacityTokens), options),
  'llm-d': (options) => createRivalRouter(llmdNewest(options.capacityTokens), options),
  sglang: (options) => createRivalRouter(cacheAware(), options),
  dynamo: (options) => createRivalRouter(dynamo(options.nowMs), options),
  aibrix: (options) => createRivalRouter(aibrix(), options),
  'production-stack': (options) => createRivalRouter(longestMatch(), options),
  lmetric: (options) => createRivalRouter(lmetric(options.capacityTokens), options),
} as const satisfies Record<string, (options: RouterOptions) => Router>;

export type PolicyId = keyof typeof policies;
