// shipped-router.ts: the router as it is shipped, over endpoints that exist only as state.

import type { PolicyName } from '../../src/core/policy-name.ts';
import { seededRandom } from '../../src/core/random.ts';
import { PrefixDispatcher } from '../../src/dispatch/dispatcher.ts';
import { Estimates } from '../../src/dispatch/estimates.ts';
import type { SourceAddress } from '../../src/pool/address.ts';
import type { Endpoint } from '../../src/pool/endpoint.ts';
import { Pools } from '../../src/pool/pools.ts';
import type { PoolSettings } from '../../src/pool/settings.ts';
import { BLOCK_TOKENS } from './prompt-writer.ts';
import type { Router, RouterOptions } from './router.ts';

const SCRAPE_EVERY_S = 1;
const BYTES_PER_TOKEN = 4;
const PORT = 8000;

/** Limits are out of the way: a policy that overloads its endpoints is to be seen doing it. */
const POOL: PoolSettings = {
  name: 'lab',
  endpoints: [],
  shared: false,
  byLoad: true,
  usage: 'passive',
  probe: { path: '/health', intervalMs: 2000, timeoutMs: 1000, unhealthyAfter: 2 },
  scrape: { path: '/metrics', intervalMs: 1000 * SCRAPE_EVERY_S },
  ejection: { errorsInRow: 3, errorRatio: 0.5, requestsMin: 20, windowMs: 10_000, baseMs: 10_000, maxMs: 300_000 },
  panicRatio: 0.5,
  inFlightMax: 1_000_000,
  slowStartMs: 10_000,
};

export function createShippedRouter(policy: PolicyName, { nowMs, seed }: RouterOptions): Router {
  const prefix = { kvCacheTokens: 'auto', bytesPerToken: BYTES_PER_TOKEN, matchRatioMin: 0.5, tenantEndpointsRatio: 1 } as const;
  const estimates = new Estimates(prefix);
  const events = { onJoined() {}, onLeft() {}, onHealth() {}, onEjected() {}, onReturned() {}, onHalted() {}, onPanic() {}, onRestart: (endpoint: Endpoint) => estimates.forget(endpoint), onSample: (endpoint: Endpoint) => estimates.noteSample(endpoint) };
  const pools = new Pools([POOL], events, nowMs, () => () => {});
  const dispatcher = new PrefixDispatcher(
    { pools, estimates, clock: nowMs, random: seededRandom(seed) },
    { listeners: [{ name: 'lab', policy, record: true }], models: [], prefix, admission: { inFlightMax: 10_000_000, queueLengthMax: 0, queueBytesMax: 0, queueWaitMaxMs: 0 }, retry: { budgetRatio: 1, budgetMin: 0 } },
  );
  const known: SourceAddress[] = [];
  const endpointAt = (replica: number): Endpoint => pools.byId(`${hostOf(replica)}:${PORT}`)!;
  return {
    dispatcher,
    scrapeEveryS: SCRAPE_EVERY_S,
    replicaOf: (endpointId) => Number(endpointId.slice(endpointId.lastIndexOf('.') + 1, endpointId.indexOf(':'))) - 1,
    up(replica) {
      if (replica >= known.length) {
        while (known.length <= replica) known.push({ scheme: 'http', host: hostOf(known.length), port: PORT });
        pools.apply(POOL.name, 'static', [...known]);
      }
      const endpoint = endpointAt(replica);
      endpoint.noteModels([{ id: 'lab', parent: undefined }]);
      endpoint.noteProbeSucceeded(nowMs());
    },
    scraped(replica, load) {
      endpointAt(replica).noteSample({
        atMs: nowMs(),
        running: load.running,
        waiting: load.waiting,
        kvUsage: load.kvUsage,
        prefixCaching: true,
        blockSize: BLOCK_TOKENS,
        capacityTokens: load.capacityTokens,
        prefixQueriesTotal: load.prefixQueries,
        prefixHitsTotal: load.prefixHits,
        asleep: false,
        stepsTotal: undefined,
        processStartS: load.process,
      });
    },
  };
}

function hostOf(replica: number): string {
  return `10.0.0.${replica + 1}`;
}
