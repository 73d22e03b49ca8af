// fleet.ts: a dispatcher in front of 64 endpoints whose caches are full, so that a look-up misses the processor's caches as it does in production.

import type { Chain } from '../../src/core/chain.ts';
import type { Assignment } from '../../src/core/dispatcher.ts';
import type { Random } from '../../src/core/random.ts';
import type { GenerationFacts } from '../../src/core/request.ts';
import { PrefixDispatcher } from '../../src/dispatch/dispatcher.ts';
import { Estimates } from '../../src/dispatch/estimates.ts';
import { Pools } from '../../src/pool/pools.ts';

export const ENDPOINTS = 64;
const CAPACITY_TOKENS = 4_000_000;
/** A prompt of 128 KB. */
const BLOCKS = 200;
const BLOCK_BYTES = 640;
const BYTES_PER_TOKEN = 4;

export interface Fleet {
  /** Chooses an endpoint for the request, and records its prompt there or not. */
  assign(facts: GenerationFacts, listener: 'recording' | 'choosing'): Assignment;
  /** Lets the request run to its end. */
  complete(assignment: Assignment): void;
  /** Memory of the prefix index of all endpoints. */
  indexBytes(): number;
}

/** `conversations` are recorded for each endpoint, 128 KB each; 125 fill it. */
export function createFleet(random: Random, conversations: number): Fleet {
  let nowMs = 0;
  const clock = () => nowMs;
  const prefix = { kvCacheTokens: CAPACITY_TOKENS, bytesPerToken: BYTES_PER_TOKEN, matchRatioMin: 0.5, tenantEndpointsRatio: 1 };
  const estimates = new Estimates(prefix);
  const pools = createPools(clock, ENDPOINTS);
  const listeners = [
    { name: 'recording', policy: 'prefix-cost', record: true },
    { name: 'choosing', policy: 'prefix-cost', record: false },
  ] as const;
  const dispatcher = new PrefixDispatcher(
    { pools, estimates, clock, random },
    { listeners, models: [], prefix, admission: { inFlightMax: 16_384, queueLengthMax: 0, queueBytesMax: 0, queueWaitMaxMs: 0 }, retry: { budgetRatio: 1, budgetMin: 0 } },
  );
  const fleet: Fleet = {
    assign(facts, listener) {
      nowMs += 1;
      const assignment = dispatcher.assign({ facts, listener, excluded: [] });
      if (assignment.kind === 'refused') throw new Error(assignment.message);
      return assignment;
    },
    complete({ attempt }) {
      nowMs += 1;
      dispatcher.firstToken(attempt);
      dispatcher.finish(attempt, { kind: 'complete', usage: undefined, responseId: undefined });
    },
    indexBytes: () => pools.all().reduce((sum, endpoint) => sum + estimates.of(endpoint).index.bytes, 0),
  };
  for (let i = 0; i < ENDPOINTS * conversations; i += 1) fleet.complete(fleet.assign(unreadPrompt(random), 'recording'));
  return fleet;
}

/** Of one pool, all healthy, serving the model `bench`. */
export function createPools(clock: () => number, endpoints: number): Pools {
  const nothing = () => undefined;
  const pool = {
    name: 'bench',
    endpoints: [],
    shared: false,
    byLoad: true,
    usage: 'passive' as const,
    probe: { path: '/health', intervalMs: 1_000, timeoutMs: 1_000, unhealthyAfter: 2 },
    scrape: { path: '/metrics', intervalMs: 1_000 },
    ejection: { errorsInRow: 3, errorRatio: 0.5, requestsMin: 20, windowMs: 10_000, baseMs: 10_000, maxMs: 300_000 },
    panicRatio: 0.5,
    inFlightMax: 1_024,
    slowStartMs: 0,
  };
  const pools = new Pools([pool], { onHealth: nothing, onEjected: nothing, onReturned: nothing, onHalted: nothing, onPanic: nothing, onRestart: nothing, onSample: nothing, onJoined: nothing, onLeft: nothing }, clock, () => nothing);
  const addresses = Array.from({ length: endpoints }, (_, i) => ({ scheme: 'http' as const, host: '10.0.0.1', port: 8_000 + i, kvCacheTokens: undefined }));
  pools.apply('bench', 'static', addresses);
  for (const endpoint of pools.all()) {
    endpoint.noteProbeSucceeded(0);
    endpoint.noteModels([{ id: 'bench', parent: undefined }]);
  }
  return pools;
}

/** A prompt as chance would hash it: reading a real one for each of thousands takes longer than the measurement. */
function unreadPrompt(random: Random): GenerationFacts {
  const chain: Chain = {
    length: BLOCKS,
    hashes: Array.from({ length: 2 * BLOCKS }, () => (random() * 2 ** 32) | 0),
    ends: Array.from({ length: BLOCKS }, (_, i) => (i + 1) * BLOCK_BYTES),
    marks: Array.from({ length: BLOCKS }, () => 0),
  };
  return { kind: 'generation', surface: 'chat', model: 'bench', stream: true, prompts: [chain], openingBlocks: BLOCKS, weight: 1, teaches: true, canAskUsage: false, cacheSalt: '', previousResponseId: undefined };
}
