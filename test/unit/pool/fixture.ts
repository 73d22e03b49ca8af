// fixture.ts: endpoints and pools that write down their events, for tests.

import { setImmediate } from 'node:timers/promises';
import { Endpoint } from '../../../src/pool/endpoint.ts';
import type { PoolEvents } from '../../../src/pool/pools.ts';
import type { Schedule } from '../../../src/pool/schedule.ts';
import type { PoolSettings } from '../../../src/pool/settings.ts';

export function recordedEvents(): PoolEvents & { readonly seen: string[]; readonly sampled: number[] } {
  const seen: string[] = [];
  const sampled: number[] = [];
  return {
    seen,
    sampled,
    onHealth: (endpoint, up, why) => void seen.push(`${up ? 'up' : 'down'} ${endpoint.address.id}: ${why}`),
    onEjected: (endpoint, why) => void seen.push(`ejected ${endpoint.address.id}: ${why}`),
    onReturned: (endpoint) => void seen.push(`returned ${endpoint.address.id}`),
    onHalted: (endpoint, halted) => void seen.push(`${halted ?? 'works'} ${endpoint.address.id}`),
    onPanic: (pool, panics) => void seen.push(`${panics ? 'panic' : 'no panic'} ${pool}`),
    onRestart: (endpoint) => void seen.push(`restart ${endpoint.address.id}`),
    onSample: (endpoint) => void sampled.push(endpoint.samples.length),
    onJoined: (endpoint) => void seen.push(`joined ${endpoint.address.id}`),
    onLeft: (endpoint) => void seen.push(`left ${endpoint.address.id}`),
  };
}

/** `peers` may be changed later. */
export function oneEndpoint(settings: Partial<PoolSettings> = {}, hasSettledPeer = false) {
  const peers = { isSettled: hasSettledPeer, heardMs: -Infinity };
  const events = recordedEvents();
  const address = { id: 'a:8000', pool: 'p', origin: 'http://a:8000', apiKey: undefined };
  const parts = { address, settings: poolSettings('p', settings), kvCacheTokens: undefined, events, peers: { settled: () => peers.isSettled, heardSince: (ms: number) => peers.heardMs >= ms } };
  return { endpoint: new Endpoint(parts), peers, seen: events.seen, sampled: events.sampled };
}

export function poolSettings(name: string, more: Partial<PoolSettings> = {}): PoolSettings {
  return {
    name,
    endpoints: [],
    shared: false,
    byLoad: true,
    usage: 'passive',
    probe: { path: '/health', intervalMs: 2000, timeoutMs: 1000, unhealthyAfter: 2 },
    scrape: { path: '/metrics', intervalMs: 1000 },
    ejection: { errorsInRow: 3, errorRatio: 0.5, requestsMin: 20, windowMs: 10_000, baseMs: 10_000, maxMs: 300_000 },
    panicRatio: 0.5,
    inFlightMax: 4,
    slowStartMs: 10_000,
    ...more,
  };
}

/** Time that moves only when told to, and the timers that depend on it. */
export function virtualTime() {
  let nowMs = 0;
  const due: { atMs: number; run: () => void }[] = [];
  const schedule: Schedule = (delayMs, run) => {
    const entry = { atMs: nowMs + delayMs, run };
    due.push(entry);
    return () => void due.splice(0, due.length, ...due.filter((each) => each !== entry));
  };
  const nextDue = (untilMs: number) => due.toSorted((a, b) => a.atMs - b.atMs).find(({ atMs }) => atMs <= untilMs);
  const run = (entry: (typeof due)[number]): void => {
    due.splice(due.indexOf(entry), 1);
    nowMs = entry.atMs;
    entry.run();
  };
  return {
    clock: () => nowMs,
    /** Half of the range: no jitter. */
    random: () => 0.5,
    schedule,
    pending: () => due.length,
    /** Runs what is due, in order of time. */
    advance(byMs: number) {
      const untilMs = nowMs + byMs;
      for (let next = nextDue(untilMs); next !== undefined; next = nextDue(untilMs)) run(next);
      nowMs = untilMs;
    },
    /** The same, and lets what waits for answers go on before the next timer. */
    async advanceSettled(byMs: number) {
      const untilMs = nowMs + byMs;
      await setImmediate();
      for (let next = nextDue(untilMs); next !== undefined; next = nextDue(untilMs)) {
        run(next);
        await setImmediate();
      }
      nowMs = untilMs;
    },
  };
}
