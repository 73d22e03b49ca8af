// house.ts: a dispatcher over endpoints that exist only as state, with a clock that is turned by hand.

import { seededRandom } from '../../../src/core/random.ts';
import type { GenerationFacts } from '../../../src/core/request.ts';
import { PrefixDispatcher } from '../../../src/dispatch/dispatcher.ts';
import { Estimates } from '../../../src/dispatch/estimates.ts';
import type { DispatchSettings } from '../../../src/dispatch/settings.ts';
import { endpointStatuses } from '../../../src/dispatch/status.ts';
import type { EndpointStatus } from '../../../src/core/status.ts';
import { Pools } from '../../../src/pool/pools.ts';
import type { Schedule } from '../../../src/pool/schedule.ts';
import type { PoolSettings } from '../../../src/pool/settings.ts';
import { createPromptReader } from '../../../src/prompt/read.ts';
import type { Endpoint } from '../../../src/pool/endpoint.ts';

export interface HouseOptions {
  readonly endpoints?: number;
  readonly models?: readonly { id: string; parent?: string; tokensMax?: number }[];
  readonly pool?: Partial<PoolSettings>;
  readonly settings?: Partial<DispatchSettings>;
}

export interface House {
  readonly dispatcher: PrefixDispatcher;
  readonly pools: Pools;
  readonly estimates: Estimates;
  nowMs: number;
  /** Lets time pass, and what was scheduled happen. */
  pass(ms: number): void;
  endpoint(i: number): Endpoint;
  status(i: number): EndpointStatus;
  /** Facts of a chat request whose messages alternate between user and assistant. */
  chat(messages: readonly string[], more?: object): GenerationFacts;
}

const POOL: PoolSettings = {
  name: 'pool',
  endpoints: [],
  shared: false,
  byLoad: true,
  usage: 'passive',
  probe: { path: '/health', intervalMs: 1000, timeoutMs: 1000, unhealthyAfter: 2 },
  scrape: { path: '/metrics', intervalMs: 1000 },
  ejection: { errorsInRow: 3, errorRatio: 0.5, requestsMin: 20, windowMs: 10_000, baseMs: 10_000, maxMs: 300_000 },
  panicRatio: 0.5,
  inFlightMax: 100,
  slowStartMs: 0,
};

export const ADMISSION: DispatchSettings['admission'] = { inFlightMax: 1000, queueLengthMax: 10, queueBytesMax: 1000, queueWaitMaxMs: 1000 };

const LISTENERS: DispatchSettings['listeners'] = [
  { name: 'prefix', policy: 'prefix-cost', record: true },
  { name: 'threshold', policy: 'prefix-threshold', record: true },
  { name: 'baseline', policy: 'least-request', record: true },
  { name: 'silent', policy: 'prefix-cost', record: false },
  { name: 'turns', policy: 'round-robin', record: true },
  { name: 'chance', policy: 'random', record: true },
];

export function createHouse(options: HouseOptions = {}): House {
  const clock = (): number => house.nowMs;
  const scheduled: { atMs: number; run: () => void }[] = [];
  const schedule: Schedule = (delayMs, run) => {
    scheduled.push({ atMs: house.nowMs + delayMs, run });
    return () => {};
  };
  const estimates = new Estimates({ kvCacheTokens: 'auto', bytesPerToken: 4, matchRatioMin: 0.5, tenantEndpointsRatio: 1 });
  const events = { onJoined() {}, onLeft() {}, onHealth() {}, onEjected() {}, onReturned() {}, onHalted() {}, onPanic() {}, onRestart: (endpoint: Endpoint) => estimates.forget(endpoint), onSample: (endpoint: Endpoint) => estimates.noteSample(endpoint) };
  const settings = { ...POOL, ...options.pool };
  const pools = new Pools([settings], events, clock, () => () => {});
  pools.apply(settings.name, 'static', Array.from({ length: options.endpoints ?? 3 }, (_, i) => ({ scheme: 'http' as const, host: `10.0.0.${i + 1}`, port: 8000 })));
  for (const endpoint of pools.all()) {
    endpoint.noteModels((options.models ?? [{ id: 'm' }]).map(({ id, parent, tokensMax }) => ({ id, parent, tokensMax })));
    endpoint.noteProbeSucceeded(0);
  }
  const dispatcher = new PrefixDispatcher(
    { pools, estimates, clock, random: seededRandom(1), schedule },
    { listeners: LISTENERS, models: [], prefix: { kvCacheTokens: 'auto', bytesPerToken: 4, matchRatioMin: 0.5, tenantEndpointsRatio: 1 }, admission: ADMISSION, retry: { budgetRatio: 0.2, budgetMin: 3 }, ...options.settings },
  );
  const reader = createPromptReader({ secret: new Uint8Array(32) });
  const house: House = {
    dispatcher,
    pools,
    estimates,
    nowMs: 0,
    pass(ms) {
      const endMs = house.nowMs + ms;
      for (;;) {
        const next = scheduled.toSorted((a, b) => a.atMs - b.atMs)[0];
        if (next === undefined || next.atMs > endMs) break;
        scheduled.splice(scheduled.indexOf(next), 1);
        house.nowMs = next.atMs;
        next.run();
      }
      house.nowMs = endMs;
    },
    endpoint: (i) => pools.all()[i]!,
    status: (i) => endpointStatuses(pools.all(), estimates, house.nowMs)[i]!,
    chat(messages, more = {}) {
      const body = { model: 'm', messages: messages.map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content })), ...more };
      return reader.read('chat', new TextEncoder().encode(JSON.stringify(body)));
    },
  };
  return house;
}
