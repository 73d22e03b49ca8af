// pools.ts: which endpoints each pool has, as snapshots that are swapped whole.

import type { Clock } from '../core/clock.ts';
import { addressId, staticAddresses, type SourceAddress } from './address.ts';
import { isInPanic } from './availability.ts';
import { Endpoint, type EndpointEvents } from './endpoint.ts';
import { peersAmong } from './peers.ts';
import type { Schedule } from './schedule.ts';
import type { Configured, PoolSettings } from './settings.ts';

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

/**
 * How long an endpoint that nobody names any more goes on taking requests while no other of its pool is up. Where all of a pool's
 * addresses are replaced, the new ones are not known yet.
 */
export const RELIEF_MS_MAX = 10_000;

interface Pool {
  settings: PoolSettings;
  /** No longer configured: it ends with its last endpoint. */
  removed: boolean;
  /** Added beside others that were there, and not ready yet: a router does not turn unready for it. */
  late: boolean;
  readonly named: Map<Source, readonly SourceAddress[]>;
  endpoints: readonly Endpoint[];
  /** Undefined until enough endpoints were available once: a fleet that starts is no reason for panic. */
  panics: boolean | undefined;
}

/** The pool that an address belongs to, and the address as that pool names it. */
interface Claim {
  readonly pool: Pool;
  readonly address: SourceAddress;
}

export class Pools {
  /** In the order of the configuration. */
  #pools: Map<string, Pool>;
  readonly #byId = new Map<string, Endpoint>();
  /** When the last source stopped naming an endpoint. */
  readonly #unnamedSinceMs = new Map<Endpoint, number>();
  /** Until when those go on that nobody names, but that nobody can relieve yet. */
  readonly #neededUntilMs = new Map<Endpoint, number>();
  readonly #events: PoolEvents;
  readonly #clock: Clock;
  readonly #schedule: Schedule;
  #all: readonly Endpoint[] = [];
  #cancelSweep: (() => void) | undefined;
  #cancelRelief: (() => void) | undefined;

  constructor(settings: readonly PoolSettings[], events: PoolEvents, clock: Clock, schedule: Schedule) {
    this.#pools = new Map(settings.map((each) => [each.name, emptyPool(each)]));
    this.#events = this.#watched(events);
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
   * An address belongs to the first pool that names it, for as long as that one does. Throws for a pool that is not configured.
   */
  apply(name: string, source: Source, addresses: readonly SourceAddress[]): void {
    const pool = this.#pools.get(name);
    if (pool === undefined) throw new Error(`No pool is named '${name}'`);
    pool.named.set(source, addresses);
    this.#settle();
  }

  /**
   * Replaces all pools, their settings and what they name themselves. Endpoints keep their live state by address, in whatever pool they
   * are now; those that nobody names any more drain. What DNS found last is kept for a pool that is still found by DNS.
   */
  reconfigure(settings: readonly PoolSettings[]): void {
    const before = this.#pools;
    this.#pools = new Map();
    for (const each of settings) {
      const pool = before.get(each.name) ?? emptyPool(each, before.size > 0);
      pool.settings = each;
      pool.removed = false;
      pool.named.set('static', staticAddresses(each.endpoints));
      if (each.dns === undefined) pool.named.delete('dns');
      this.#pools.set(each.name, pool);
    }
    for (const [name, pool] of before) {
      if (this.#pools.has(name)) continue;
      pool.removed = true;
      pool.named.clear();
      this.#pools.set(name, pool);
    }
    this.#settle();
  }

  /** Ready when each pool has a healthy endpoint whose models are known. A pool that was added later counts once it was ready. */
  readiness(): Readiness {
    const reasons: string[] = [];
    const excused: string[] = [];
    for (const [name, pool] of this.#pools) {
      if (pool.removed) continue;
      const why = unreadyBecause(pool.endpoints);
      if (why === '') pool.late = false;
      else (pool.late ? excused : reasons).push(`pool '${name}' has no ${why}`);
    }
    if (excused.length > 0 && [...this.#pools.values()].every(({ late, removed }) => late || removed)) reasons.push(...excused);
    return { ready: reasons.length === 0, reasons };
  }

  /** Cancels all timers. */
  stop(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
    this.#cancelRelief?.();
    this.#cancelRelief = undefined;
  }

  /** Brings endpoints and snapshots in line with what the sources name. */
  #settle(): void {
    const claims = this.#claims();
    for (const [id, endpoint] of this.#byId) {
      const claim = claims.get(id);
      if (claim !== undefined) {
        endpoint.reconfigure(configured(claim, id));
        endpoint.unnamed = false;
        this.#unnamedSinceMs.delete(endpoint);
      } else if (!endpoint.unnamed && !this.#isNeeded(endpoint, claims)) {
        endpoint.unnamed = true;
        this.#unnamedSinceMs.set(endpoint, this.#clock());
      }
      if (claim !== undefined || endpoint.unnamed) this.#neededUntilMs.delete(endpoint);
    }
    const joined = [...claims].filter(([id]) => !this.#byId.has(id)).map(([id, claim]) => this.#create(claim, id));
    this.#takeSnapshots();
    for (const endpoint of joined) this.#events.onJoined(endpoint);
    for (const pool of this.#pools.values()) this.#judgePanic(pool);
    if (this.#unnamedSinceMs.size > 0) this.#armSweep();
    if (this.#neededUntilMs.size > 0) this.#armRelief();
  }

  /** Whether an endpoint that nobody names has to go on for a while. */
  #isNeeded(endpoint: Endpoint, claims: ReadonlyMap<string, Claim>): boolean {
    if (!isUp(endpoint)) return false;
    const successors = [...claims].filter(([, { pool }]) => pool.settings.name === endpoint.address.pool).map(([id]) => this.#byId.get(id));
    if (successors.length === 0 || successors.some((successor) => successor !== undefined && isUp(successor))) return false;
    const untilMs = this.#neededUntilMs.get(endpoint) ?? this.#clock() + RELIEF_MS_MAX;
    this.#neededUntilMs.set(endpoint, untilMs);
    return this.#clock() < untilMs;
  }

  /** By id. Who has an address keeps it while it names it; of others the first gets it, static addresses before those that DNS found. */
  #claims(): Map<string, Claim> {
    const claims = new Map<string, Claim>();
    for (const [name, pool] of this.#pools) {
      const own = new Set<string>();
      for (const address of [...(pool.named.get('static') ?? []), ...(pool.named.get('dns') ?? [])]) {
        const id = addressId(address);
        if (own.has(id)) continue;
        own.add(id);
        if (!claims.has(id) || this.#byId.get(id)?.address.pool === name) claims.set(id, { pool, address });
      }
    }
    return claims;
  }

  #create(claim: Claim, id: string): Endpoint {
    const endpoint: Endpoint = new Endpoint({
      ...configured(claim, id),
      events: this.#events,
      peers: peersAmong(() => this.endpoints(endpoint.address.pool).filter((peer) => peer !== endpoint)),
    });
    this.#byId.set(id, endpoint);
    return endpoint;
  }

  /** Passes everything on; what changes who is available may begin or end a panic, and relieve those that nobody names any more. */
  #watched(events: PoolEvents): PoolEvents {
    const judge = (endpoint: Endpoint): void => this.#judgePanic(this.#pools.get(endpoint.address.pool));
    return {
      ...events,
      onHealth: (endpoint, up, why) => {
        events.onHealth(endpoint, up, why);
        if (up && this.#neededUntilMs.size > 0) this.#settle();
        judge(endpoint);
      },
      onEjected: (endpoint, why) => (events.onEjected(endpoint, why), judge(endpoint)),
      onReturned: (endpoint) => (events.onReturned(endpoint), judge(endpoint)),
      onHalted: (endpoint, halted) => (events.onHalted(endpoint, halted), judge(endpoint)),
    };
  }

  #judgePanic(pool: Pool | undefined): void {
    if (pool === undefined || pool.removed) return;
    const before = pool.panics;
    const panics = isInPanic(pool.endpoints, undefined);
    if (panics === before || (panics && before === undefined)) return;
    pool.panics = panics;
    if (before !== undefined) this.#events.onPanic(pool.settings.name, panics);
  }

  #takeSnapshots(): void {
    const byPool = Map.groupBy(this.#byId.values(), (endpoint) => endpoint.address.pool);
    for (const [name, pool] of this.#pools) pool.endpoints = Object.freeze(byPool.get(name) ?? []);
    this.#all = Object.freeze([...this.#pools.values()].flatMap((pool) => pool.endpoints));
  }

  #armRelief(): void {
    this.#cancelRelief ??= this.#schedule(RELIEF_MS_MAX, () => {
      this.#cancelRelief = undefined;
      this.#settle();
    });
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
    const left = [...this.#unnamedSinceMs].filter(([endpoint, sinceMs]) => sinceMs <= heldSinceMs && endpoint.inFlight === 0).map(([endpoint]) => endpoint);
    for (const endpoint of left) {
      this.#unnamedSinceMs.delete(endpoint);
      this.#byId.delete(endpoint.address.id);
    }
    if (left.length > 0) this.#takeSnapshots();
    for (const [name, { removed, endpoints }] of this.#pools) if (removed && endpoints.length === 0) this.#pools.delete(name);
    for (const endpoint of left) this.#events.onLeft(endpoint);
    if (this.#unnamedSinceMs.size > 0) this.#armSweep();
  }
}

function isUp(endpoint: Endpoint): boolean {
  return endpoint.health === 'healthy' && !endpoint.ejectedUntilProbe && !endpoint.drainedByAdmin;
}

function unreadyBecause(endpoints: readonly Endpoint[]): string {
  if (endpoints.length === 0) return 'endpoint';
  const healthy = endpoints.filter((endpoint) => endpoint.health === 'healthy' && !endpoint.ejectedUntilProbe && !endpoint.draining);
  if (healthy.length === 0) return 'healthy endpoint';
  return healthy.some((endpoint) => endpoint.models !== undefined) ? '' : 'endpoint that has reported its models';
}

function emptyPool(settings: PoolSettings, late = false): Pool {
  return { settings, removed: false, late, named: new Map(), endpoints: [], panics: undefined };
}

function configured({ pool: { settings }, address }: Claim, id: string): Configured {
  const apiKey = settings.apiKey === '' ? undefined : settings.apiKey;
  return { address: { id, pool: settings.name, origin: `${address.scheme}://${id}`, apiKey }, settings, kvCacheTokens: address.kvCacheTokens };
}
