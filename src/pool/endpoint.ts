// endpoint.ts: the live state of one vLLM server address.

import type { EndpointAddress, Standing } from '../core/dispatcher.ts';
import { type LoadSample, restartedBetween } from './load-sample.ts';
import type { PoolSettings } from './settings.ts';

/** A name that an endpoint answers to. */
export interface ServedModel {
  readonly id: string;
  /** The base model, when this is a LoRA adapter. */
  readonly parent: string | undefined;
}

/**
 * How a request failed there. `error`: a server error, a broken connection or answer; `silent`: no byte within its limit; `overloaded`: its
 * queue is full; `draining`: it takes nothing new; `engine_dead`: nothing will come of it until it starts anew.
 */
export type Failure = 'error' | 'silent' | 'overloaded' | 'draining' | 'engine_dead';

export type Health = 'unknown' | 'healthy' | 'unhealthy';

/** Told when an endpoint changes. */
export interface EndpointEvents {
  /** `up`: a probe succeeded and it can take requests again, after being ejected too. Down: probes failed, `why` says how. */
  onHealth(endpoint: Endpoint, up: boolean, why: string): void;
  /** A connection was refused: it gets no request until a probe succeeds. */
  onEjected(endpoint: Endpoint): void;
  /** Its cache is empty: the process began anew, or is gone. */
  onRestart(endpoint: Endpoint): void;
  /** It was scraped: the sample is the newest of its samples. */
  onSample(endpoint: Endpoint): void;
}

const SAMPLES_KEPT = 3;
const SLOW_START_SHARE_MIN = 0.1;

/**
 * What is known of one address. It outlives configuration and discovery: who comes back under the same address finds it as it was.
 *
 * Probes, scrapes and failed requests report here with `note…`; the in-flight counter belongs to the leases.
 */
export class Endpoint {
  readonly address: EndpointAddress;
  /** Of its pool. */
  readonly settings: PoolSettings;
  /** The size of its KV cache as configured for it alone; undefined: whatever holds for all endpoints. */
  readonly kvCacheTokens: number | 'auto' | undefined;
  /** Its source no longer names it: it finishes what it has and gets nothing new. */
  draining = false;
  readonly #events: EndpointEvents;
  readonly #hasSettledPeer: (nowMs: number) => boolean;
  #inFlight = 0;
  #health: Health = 'unknown';
  #failuresInRow = 0;
  #ejectedUntilProbe = false;
  #ejections = 0;
  #models: readonly ServedModel[] | undefined;
  #modelIds: ReadonlySet<string> = new Set();
  #samples: readonly LoadSample[] = [];
  #upSinceMs: number | undefined;
  #ramps = false;

  constructor(parts: {
    readonly address: EndpointAddress;
    readonly settings: PoolSettings;
    readonly kvCacheTokens: number | 'auto' | undefined;
    readonly events: EndpointEvents;
    /** Whether another endpoint of the pool has carried its full share for a while. */
    readonly hasSettledPeer: (nowMs: number) => boolean;
  }) {
    this.address = parts.address;
    this.settings = parts.settings;
    this.kvCacheTokens = parts.kvCacheTokens;
    this.#events = parts.events;
    this.#hasSettledPeer = parts.hasSettledPeer;
  }

  /** Our outstanding requests, by weight. */
  get inFlight(): number {
    return this.#inFlight;
  }

  get health(): Health {
    return this.#health;
  }

  get ejectedUntilProbe(): boolean {
    return this.#ejectedUntilProbe;
  }

  /** Since the process started. */
  get ejections(): number {
    return this.#ejections;
  }

  /** Undefined while it has not reported yet. */
  get models(): readonly ServedModel[] | undefined {
    return this.#models;
  }

  /** The last three at most, newest last. */
  get samples(): readonly LoadSample[] {
    return this.#samples;
  }

  serves(model: string): boolean {
    return this.#modelIds.has(model);
  }

  /** For leases alone. Throws when the counter would fall below 0: something was returned that was never taken. */
  shiftInFlight(by: number): void {
    if (this.#inFlight + by < 0) throw new Error(`In-flight of ${this.address.id} would fall below 0: it is ${this.#inFlight}, shifted by ${by}`);
    this.#inFlight += by;
  }

  noteProbeSucceeded(nowMs: number): void {
    this.#failuresInRow = 0;
    this.#health = 'healthy';
    this.#ejectedUntilProbe = false;
    if (this.#upSinceMs !== undefined) return;
    this.#upSinceMs = nowMs;
    this.#ramps = this.#hasSettledPeer(nowMs);
    this.#events.onHealth(this, true, 'probe succeeded');
  }

  /** `why` is for people. The first probe of all decides at once; afterwards only as many failures in a row as are configured do. */
  noteProbeFailed(why: string): void {
    this.#failuresInRow += 1;
    if (this.#health === 'unhealthy') return;
    if (this.#health === 'healthy' && this.#failuresInRow < this.settings.probe.unhealthyAfter) return;
    this.#health = 'unhealthy';
    this.#upSinceMs = undefined;
    this.#events.onHealth(this, false, why);
  }

  /**
   * Nothing listens at the address, as a request or a probe found out.
   *
   * Whatever listens there next is a new process, so the samples of the old one are no longer compared with.
   */
  noteUnreachable(): void {
    if (this.#ejectedUntilProbe || this.#health === 'unknown') return;
    const wasUp = this.#upSinceMs !== undefined;
    this.#ejectedUntilProbe = true;
    this.#upSinceMs = undefined;
    this.#samples = [];
    if (wasUp) {
      this.#ejections += 1;
      this.#events.onEjected(this);
    }
    this.#events.onRestart(this);
  }

  /** Bytes of an answer came. */
  noteHeard(_nowMs: number): void {}

  /** The first token of a request that was sent at `sentMs` came. */
  noteAnswered(_sentMs: number, _nowMs: number): void {}

  /** A request that was sent at `sentMs` failed, and not by the client's fault. */
  noteFailed(_failure: Failure, _sentMs: number, _nowMs: number): void {}

  /** Whether anything can be expected of requests that are silent there. */
  standing(_nowMs: number): Standing {
    return 'up';
  }

  noteSample(sample: LoadSample): void {
    const last = this.#samples.at(-1);
    const restarted = last !== undefined && restartedBetween(last, sample);
    this.#samples = restarted ? [sample] : [...this.#samples.slice(1 - SAMPLES_KEPT), sample];
    if (restarted) this.#events.onRestart(this);
    this.#events.onSample(this);
  }

  noteModels(models: readonly ServedModel[]): void {
    this.#models = models;
    this.#modelIds = sharedIds(models);
  }

  /**
   * How much of its full share it takes now: 1, but after coming up beside others that are warm, when it grows from 0.1 to 1.
   *
   * A fleet that starts together needs no ramp, so it is only a settled peer that causes one.
   */
  share(nowMs: number): number {
    if (!this.#ramps || this.#upSinceMs === undefined || this.settings.slowStartMs === 0) return 1;
    const elapsed = (nowMs - this.#upSinceMs) / this.settings.slowStartMs;
    return Math.min(1, SLOW_START_SHARE_MIN + (1 - SLOW_START_SHARE_MIN) * Math.max(0, elapsed));
  }

  /** Healthy, and past its own slow start. */
  settled(nowMs: number): boolean {
    return this.#upSinceMs !== undefined && nowMs - this.#upSinceMs >= this.settings.slowStartMs;
  }
}

let latestIds: ReadonlySet<string> = new Set();

/**
 * The ids as a set; the same set for lists that are equal in a row. A fleet serves the same models, and one set stays in the processor's
 * cache where 64 do not: 5 of 100 µs of a choice.
 */
function sharedIds(models: readonly ServedModel[]): ReadonlySet<string> {
  const ids = new Set(models.map((model) => model.id));
  if (ids.size !== latestIds.size || !ids.isSubsetOf(latestIds)) latestIds = ids;
  return latestIds;
}
