// pools.ts: which endpoints each pool has, as snapshots that are swapped whole.

import type { Clock } from '../core/clock.ts';
import { addressId, type SourceAddress } from './address.ts';
import { isInPanic } from './availability.ts';
import { Endpoint, type EndpointEvents, type Peers } from './endpoint.ts';
import type { Schedule } from './schedule.ts';
import type { PoolSettings } from './settings.ts';

/** Told when an endpoint changes, appears or is forgotten. */
export interface PoolEvents extends EndpointEvents {
  /** A source named it for the first time. */
  onJoined(endpoint: Endpoint): void;
  /** It drained and was dropped; its state is forgotten. */
  onLeft(endpoint: Endpoint): void;
  /** Fewer endpoints of the pool are available than its `panicRatio` wants, so ejections by errors are ignored; or enough are again. */
  onPanic(pool: string, panics: boolean): void;
}

/** Where addresses come from. What one source names, another does not remove. */
export type Source = 'static' | 'dns';

export interface Readiness {
  readonly ready: boolean;
  /** What each pool that is not ready waits for. */
  readonly reasons: readonly string[];
}

/**
 * How long a drained endpoint is kept after its source stopped naming it. Name servers answer with changing subsets of many
 * addresses; who comes back within this time still has its health, its models and its prefix index.
 */
export const DRAIN_HOLD_MS = 60_000;

interface Pool {
  readonly settings: PoolSettings;
  readonly named: Map<Source, readonly SourceAddress[]>;
  /** When its source stopped naming a draining endpoint. */
  readonly drainingSinceMs: Map<Endpoint, number>;
  endpoints: readonly Endpoint[];
  /** Undefined until enough endpoints were available once: a fleet that starts is no reason for panic. */
  panics: boolean | undefined;
}

export class Pools {
  readonly #pools = new Map<string, Pool>();
  readonly #byId = new Map<string, Endpoint>();
  readonly #events: PoolEvents;
  readonly #clock: Clock;
  readonly #schedule: Schedule;
  #all: readonly Endpoint[] = [];
  #cancelSweep: (() => void) | undefined;

  constructor(settings: readonly PoolSettings[], events: PoolEvents, clock: Clock, schedule: Schedule) {
    for (const each of settings) this.#pools.set(each.name, { settings: each, named: new Map(), drainingSinceMs: new Map(), endpoints: [], panics: undefined });
    this.#events = events;
    this.#clock = clock;
    this.#schedule = schedule;
  }

  /** The pool's endpoints, draining ones included. The array never changes: a later call may give another. Unknown pools have none. */
  endpoints(pool: string): readonly Endpoint[] {
    return this.#pools.get(pool)?.endpoints ?? [];
  }

  all(): readonly Endpoint[] {
    return this.#all;
  }

  byId(id: string): Endpoint | undefined {
    return this.#byId.get(id);
  }

  /**
   * Replaces what one source names. New addresses appear, missing ones drain, returning ones resume.
   *
   * An address belongs to the first pool that names it; for any other pool it is left out.
   */
  apply(name: string, source: Source, addresses: readonly SourceAddress[]): void {
    const pool = this.#pools.get(name);
    if (pool === undefined) throw new Error(`No pool is named '${name}'`);
    pool.named.set(source, addresses);
    const wanted = byId([...pool.named.values()].flat());
    for (const endpoint of pool.endpoints) {
      const kept = wanted.delete(endpoint.address.id);
      if (kept) pool.drainingSinceMs.delete(endpoint);
      else if (!endpoint.draining) pool.drainingSinceMs.set(endpoint, this.#clock());
      endpoint.draining = !kept;
    }
    const joined = [...wanted].filter(([id]) => !this.#byId.has(id)).map(([id, address]) => this.#create(pool, id, address));
    if (joined.length > 0) this.#replace(pool, [...pool.endpoints, ...joined]);
    for (const endpoint of joined) this.#events.onJoined(endpoint);
    if (pool.drainingSinceMs.size > 0) this.#armSweep();
    this.#judgePanic(pool);
  }

  /** Ready when each pool has a healthy endpoint whose models are known. */
  readiness(): Readiness {
    const reasons: string[] = [];
    for (const [name, { endpoints }] of this.#pools) {
      const healthy = endpoints.filter((endpoint) => endpoint.health === 'healthy' && !endpoint.ejectedUntilProbe && !endpoint.draining);
      if (endpoints.length === 0) reasons.push(`pool '${name}' has no endpoint`);
      else if (healthy.length === 0) reasons.push(`pool '${name}' has no healthy endpoint`);
      else if (!healthy.some((endpoint) => endpoint.models !== undefined)) reasons.push(`pool '${name}' has no endpoint that has reported its models`);
    }
    return { ready: reasons.length === 0, reasons };
  }

  /** Cancels the only timer. */
  stop(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
  }

  #create(pool: Pool, id: string, address: SourceAddress): Endpoint {
    const { name, apiKey } = pool.settings;
    const peers: Peers = {
      settled: (nowMs) => pool.endpoints.some((peer) => peer !== endpoint && peer.settled(nowMs)),
      heardSince: (sinceMs) => pool.endpoints.some((peer) => peer !== endpoint && peer.heardSince(sinceMs)),
    };
    const endpoint: Endpoint = new Endpoint({
      address: { id, pool: name, origin: `${address.scheme}://${id}`, apiKey: apiKey === '' ? undefined : apiKey },
      settings: pool.settings,
      kvCacheTokens: address.kvCacheTokens,
      events: this.#eventsOf(pool),
      peers,
    });
    this.#byId.set(id, endpoint);
    return endpoint;
  }

  /** Passes everything on; what changes who is available may begin or end a panic. */
  #eventsOf(pool: Pool): EndpointEvents {
    const events = this.#events;
    const judge = (): void => this.#judgePanic(pool);
    return {
      onHealth: (endpoint, up, why) => (events.onHealth(endpoint, up, why), judge()),
      onEjected: (endpoint, why) => (events.onEjected(endpoint, why), judge()),
      onReturned: (endpoint) => (events.onReturned(endpoint), judge()),
      onHalted: (endpoint, halted) => (events.onHalted(endpoint, halted), judge()),
      onRestart: (endpoint) => events.onRestart(endpoint),
      onSample: (endpoint) => events.onSample(endpoint),
    };
  }

  #judgePanic(pool: Pool): void {
    const before = pool.panics;
    const panics = isInPanic(pool.endpoints, undefined);
    if (panics === before || (panics && before === undefined)) return;
    pool.panics = panics;
    if (before !== undefined) this.#events.onPanic(pool.settings.name, panics);
  }

  #replace(pool: Pool, endpoints: readonly Endpoint[]): void {
    pool.endpoints = Object.freeze(endpoints);
    this.#all = Object.freeze([...this.#pools.values()].flatMap((each) => each.endpoints));
  }

  #armSweep(): void {
    this.#cancelSweep ??= this.#schedule(DRAIN_HOLD_MS, () => {
      this.#cancelSweep = undefined;
      this.#sweep();
    });
  }

  /** Drops what is idle and was held long enough. */
  #sweep(): void {
    const heldSinceMs = this.#clock() - DRAIN_HOLD_MS;
    for (const pool of this.#pools.values()) {
      const left = [...pool.drainingSinceMs].filter(([endpoint, sinceMs]) => sinceMs <= heldSinceMs && endpoint.inFlight === 0).map(([endpoint]) => endpoint);
      if (left.length > 0) this.#replace(pool, pool.endpoints.filter((endpoint) => !left.includes(endpoint)));
      for (const endpoint of left) {
        pool.drainingSinceMs.delete(endpoint);
        this.#byId.delete(endpoint.address.id);
        this.#events.onLeft(endpoint);
      }
      if (pool.drainingSinceMs.size > 0) this.#armSweep();
    }
  }
}

/** The first of those with the same name counts. */
function byId(addresses: readonly SourceAddress[]): Map<string, SourceAddress> {
  const found = new Map<string, SourceAddress>();
  for (const address of addresses) {
    const id = addressId(address);
    if (!found.has(id)) found.set(id, address);
  }
  return found;
}
