// endpoint.ts: the live state of one vLLM server address.

import type { EndpointAddress, Standing } from '../core/dispatcher.ts';
import { Ejection, type EjectedBecause, type EjectionState } from './ejection.ts';
import { Halt, type Halted } from './halt.ts';
import { type LoadSample, restartedBetween } from './load-sample.ts';
import { Reactions } from './reactions.ts';
import { type ServedModel, sharedIds } from './served-models.ts';
import type { Peers } from './peers.ts';
import type { Configured, PoolSettings } from './settings.ts';
import { Share } from './share.ts';

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
  /** It gets no request for a while; after a refused connection, until a probe succeeds. `why` is for people. */
  onEjected(endpoint: Endpoint, why: string): void;
  /** Back from an ejection that was no refused connection. */
  onReturned(endpoint: Endpoint): void;
  /** It lets requests wait from now on, or works again: undefined. */
  onHalted(endpoint: Endpoint, halted: Halted | undefined): void;
  /** Its cache is empty: the process began anew, or is gone. */
  onRestart(endpoint: Endpoint): void;
  /** It was scraped: the sample is the newest of its samples. */
  onSample(endpoint: Endpoint): void;
}

const SAMPLES_KEPT = 3;

/**
 * What is known of one address. It outlives configuration and discovery: who comes back under the same address finds it as it was.
 *
 * Probes, scrapes and failed requests report here with `note…`; the in-flight counter belongs to the leases.
 */
export class Endpoint {
  /** No source names it any more. */
  unnamed = false;
  /** An operator wants it so, whatever the sources say. */
  drainedByAdmin = false;
  #configured: Configured;
  readonly #events: EndpointEvents;
  readonly #peers: Peers;
  readonly #ejection = new Ejection();
  readonly #reactions = new Reactions();
  readonly #halt = new Halt();
  readonly #share = new Share();
  #inFlight = 0;
  #health: Health = 'unknown';
  #failuresInRow = 0;
  #ejectedUntilProbe = false;
  #ejections = 0;
  #models: readonly ServedModel[] | undefined;
  #modelIds: ReadonlySet<string> = new Set();
  #samples: readonly LoadSample[] = [];
  /** Or back from an ejection since. */
  #upSinceMs: number | undefined;

  constructor(parts: Configured & {
    readonly events: EndpointEvents;
    readonly peers: Peers;
  }) {
    this.#configured = parts;
    this.#events = parts.events;
    this.#peers = parts.peers;
  }

  get address(): EndpointAddress {
    return this.#configured.address;
  }

  /** Of its pool. */
  get settings(): PoolSettings {
    return this.#configured.settings;
  }

  /** The size of its KV cache as configured for it alone; undefined: whatever holds for all endpoints. */
  get kvCacheTokens(): number | 'auto' | undefined {
    return this.#configured.kvCacheTokens;
  }

  /** Takes over another configuration for the same `address.id`. What is known of the endpoint stays. */
  reconfigure(configured: Configured): void {
    this.#configured = configured;
  }

  /** It finishes what it has and gets nothing new. */
  get draining(): boolean {
    return this.unnamed || this.drainedByAdmin;
  }

  /** Our outstanding requests, by weight. */
  get inFlight(): number {
    return this.#inFlight;
  }

  get health(): Health {
    return this.#health;
  }

  /** Nothing listened there when it was tried last. */
  get ejectedUntilProbe(): boolean {
    return this.#ejectedUntilProbe;
  }

  /** Why failed requests have ejected it; undefined when they have not. */
  get ejectedBecause(): EjectedBecause | undefined {
    return this.#ejection.because;
  }

  /** On trial, and a request of the trial is under way. */
  get trialTaken(): boolean {
    return this.#ejection.trialTaken;
  }

  /** Undefined while its engine works. */
  get halted(): Halted | undefined {
    return this.#halt.state;
  }

  /** Of all kinds, since the process started. */
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

  /** As far as failed requests go. */
  ejectionAt(nowMs: number): EjectionState {
    return this.#ejection.stateAt(nowMs);
  }

  /** For leases alone. Gives what `giveBack` wants to know: the trial that the request is part of. */
  take(weight: number): number {
    this.#inFlight += weight;
    return this.#ejection.takeLease();
  }

  /** For leases alone. Throws when the counter would fall below 0: something was returned that was never taken. */
  giveBack(weight: number, trial: number): void {
    if (this.#inFlight < weight) throw new Error(`In-flight of ${this.address.id} would fall below 0: it is ${this.#inFlight}, ${weight} were returned`);
    this.#inFlight -= weight;
    this.#ejection.returnLease(trial);
  }

  noteProbeSucceeded(nowMs: number): void {
    this.#failuresInRow = 0;
    this.#health = 'healthy';
    this.#reactions.noteSucceeded('probe');
    if (this.#ejectedUntilProbe) this.#ejection.noteRestarted(nowMs);
    this.#ejectedUntilProbe = false;
    const returned = this.#ejection.noteProbeSucceeded(nowMs);
    if (this.#upSinceMs === undefined) {
      this.#reactions.reset();
      this.#begin(nowMs);
      this.#events.onHealth(this, true, 'probe succeeded');
    } else if (returned) this.#return(nowMs);
  }

  /** `why` is for people. The first probe of all decides at once; afterwards only as many failures in a row as are configured do. */
  noteProbeFailed(why: string, nowMs: number): void {
    this.#failuresInRow += 1;
    this.#reactions.noteFailed('probe', nowMs);
    this.#ejection.noteProbeFailed();
    if (this.#health === 'unhealthy') return;
    if (this.#health === 'healthy' && this.#failuresInRow < this.settings.probe.unhealthyAfter) return;
    this.#health = 'unhealthy';
    this.#upSinceMs = undefined;
    this.#events.onHealth(this, false, why);
  }

  /** No answer came. What was never scraped may have no metrics, so that says nothing. */
  noteScrapeFailed(nowMs: number): void {
    if (this.#samples.length > 0) this.#reactions.noteFailed('scrape', nowMs);
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
    this.#halt.reset();
    if (wasUp) {
      this.#ejections += 1;
      this.#events.onEjected(this, 'connection refused');
    }
    this.#events.onRestart(this);
  }

  /** Bytes of an answer came. */
  noteHeard(nowMs: number): void {
    this.#reactions.noteHeard(nowMs);
  }

  /** The answer to a request that was sent at `sentMs` came, or the `first-token` of it. */
  noteAnswered(sentMs: number, nowMs: number, part: 'whole' | 'first-token' = 'whole'): void {
    this.#reactions.noteHeard(nowMs);
    const returned = part === 'whole' ? this.#ejection.noteAnswered(sentMs, nowMs, this.settings.ejection) : this.#ejection.noteBegan(sentMs, nowMs);
    if (returned && this.#upSinceMs !== undefined) this.#return(nowMs);
  }

  /** A request that was sent at `sentMs` failed, and not by the client's fault. */
  noteFailed(failure: Failure, sentMs: number, nowMs: number): void {
    // What fails while it is down says nothing that the probes do not say, and what was sent before, nothing of now.
    if (this.#upSinceMs === undefined || sentMs < this.#upSinceMs) return;
    if (failure === 'overloaded') {
      this.#share.noteOverloaded(nowMs);
      return;
    }
    const why = this.#ejection.noteFailed(failure, sentMs, nowMs, this.settings.ejection);
    if (why === undefined) return;
    this.#ejections += 1;
    this.#events.onEjected(this, why);
  }

  /** Whether anything can be expected of requests that are silent there. Alone in its pool, it is never stuck. */
  standing(): Standing {
    if (this.#ejectedUntilProbe) return 'gone';
    const sinceMs = this.#reactions.silentSince(this.settings.probe.unhealthyAfter);
    return sinceMs !== undefined && this.#peers.heardSince(sinceMs) ? 'stuck' : 'up';
  }

  heardSince(sinceMs: number): boolean {
    return this.#reactions.heardSince(sinceMs);
  }

  noteSample(sample: LoadSample): void {
    const last = this.#samples.at(-1);
    const restarted = last !== undefined && restartedBetween(last, sample);
    this.#samples = restarted ? [sample] : [...this.#samples.slice(1 - SAMPLES_KEPT), sample];
    this.#reactions.noteSucceeded('scrape');
    const { state: before } = this.#halt;
    if (restarted) this.#noteRestarted(sample.atMs);
    this.#halt.note(sample);
    if (this.#halt.state !== before) this.#events.onHalted(this, this.#halt.state);
    this.#events.onSample(this);
  }

  noteModels(models: readonly ServedModel[]): void {
    this.#models = models;
    this.#modelIds = sharedIds(models);
  }

  /**
   * How much of its full share it takes now: 1, but after coming back beside others that are warm, when it grows from 0.1 to 1, and after
   * its queue was full.
   *
   * A fleet that starts together needs no ramp, so it is only a settled peer that causes one.
   */
  share(nowMs: number): number {
    return this.#share.at(nowMs, this.settings.slowStartMs);
  }

  /** Healthy, not ejected, and past its own slow start. */
  settled(nowMs: number): boolean {
    return this.#upSinceMs !== undefined && this.#ejection.because === undefined && nowMs - this.#upSinceMs >= this.settings.slowStartMs;
  }

  #noteRestarted(nowMs: number): void {
    this.#halt.reset();
    this.#events.onRestart(this);
    if (this.#ejection.noteRestarted(nowMs) && this.#upSinceMs !== undefined) this.#return(nowMs);
  }

  #return(nowMs: number): void {
    this.#begin(nowMs);
    this.#events.onReturned(this);
  }

  #begin(nowMs: number): void {
    this.#upSinceMs = nowMs;
    this.#share.begin(nowMs, this.#peers.settled(nowMs));
  }
}
