// ejection.ts: passive ejection: an endpoint at which requests fail gets none for a while. Pure: the caller brings the clock and the settings.

import { RecentRequests } from './recent-requests.ts';
import type { EjectionSettings } from './settings.ts';

/** `errors`: too many requests failed. The others are what the engine says of itself. */
export type EjectedBecause = 'errors' | 'draining' | 'engine_dead';

/** `in`: it takes requests. `ejected`: none. `trial`: one at a time, until one is answered. */
export type EjectionState = 'in' | 'ejected' | 'trial';

/** An engine that stops is soon gone, or told to go on: its first time is short. */
const DRAINING_BASE_MS = 2000;

const WORDS: Readonly<Record<EjectedBecause, string>> = {
  errors: 'failed again on trial',
  draining: 'takes nothing new, shuts down',
  engine_dead: 'its engine is dead',
};

/**
 * Whether one endpoint is ejected.
 *
 * Each time lasts twice as long as the one before, until it was in for `maxMs`. Only requests are judged that were sent since the last
 * time was over: many may fail of one cause, and an old one that ends well says nothing of new ones.
 */
export class Ejection {
  readonly #recent = new RecentRequests();
  #errorsInRow = 0;
  /** Of the errors in a row, when the latest request was sent. */
  #rowSentMs = -Infinity;
  #because: EjectedBecause | undefined;
  /** While it is ejected, the end of that. */
  #judgedFromMs = -Infinity;
  #inSinceMs = -Infinity;
  #doublings = 0;
  #probeFailed = false;
  #onTrial = false;
  #trials = 0;
  #leasesOnTrial = 0;

  /** Undefined while it is in. */
  get because(): EjectedBecause | undefined {
    return this.#because;
  }

  /** Whether a request is under way that was sent on the present trial. */
  get trialTaken(): boolean {
    return this.#onTrial && this.#leasesOnTrial > 0;
  }

  /** A trial begins when this is asked for the first time after the ejection's end. */
  stateAt(nowMs: number): EjectionState {
    if (this.#because === undefined) return 'in';
    if (nowMs < this.#judgedFromMs) return 'ejected';
    if (!this.#onTrial) {
      this.#onTrial = true;
      this.#trials += 1;
      this.#leasesOnTrial = 0;
    }
    return 'trial';
  }

  /** A request is sent there. Gives the number of the trial that it is part of, 0 when of none. */
  takeLease(): number {
    if (!this.#onTrial) return 0;
    this.#leasesOnTrial += 1;
    return this.#trials;
  }

  /** The request is over. `trial` is what `takeLease` gave. */
  returnLease(trial: number): void {
    if (this.#onTrial && trial === this.#trials) this.#leasesOnTrial -= 1;
  }

  /** Gives, in words, why the endpoint is ejected by this failure; undefined when it is not, or was already. */
  noteFailed(failure: 'error' | 'silent' | 'draining' | 'engine_dead', sentMs: number, nowMs: number, settings: EjectionSettings): string | undefined {
    const state = this.stateAt(nowMs);
    const because = failure === 'draining' || failure === 'engine_dead' ? failure : 'errors';
    if (state === 'ejected') {
      // Panic does not pass over what the engine says of itself.
      if (because !== 'errors') this.#because = because;
      return undefined;
    }
    if (sentMs < this.#judgedFromMs) return undefined;
    let why: string | undefined = WORDS[because];
    if (because === 'errors' && state === 'in') {
      this.#errorsInRow += 1;
      this.#rowSentMs = Math.max(this.#rowSentMs, sentMs);
      this.#recent.note(true, nowMs, settings.windowMs);
      why = this.#tooManyErrors(settings);
    }
    if (why !== undefined) this.#eject(because, nowMs, settings);
    return why;
  }

  /** The first token of a request came; how it ends is not known yet. Gives whether that ended a trial. */
  noteBegan(sentMs: number, nowMs: number): boolean {
    if (sentMs < this.#judgedFromMs) return false;
    // What was sent before the errors says nothing of now, however late it is answered.
    if (sentMs >= this.#rowSentMs) this.#endRow();
    return this.#end(nowMs);
  }

  /** The whole answer to a request came. Gives whether that ended a trial. */
  noteAnswered(sentMs: number, nowMs: number, settings: EjectionSettings): boolean {
    if (sentMs < this.#judgedFromMs) return false;
    this.#recent.note(false, nowMs, settings.windowMs);
    return this.noteBegan(sentMs, nowMs);
  }

  noteProbeFailed(): void {
    this.#probeFailed = true;
  }

  /** Gives whether that ended an ejection: an engine that was dead is there again, as its probes failed in between. */
  noteProbeSucceeded(nowMs: number): boolean {
    return this.#because === 'engine_dead' && this.#probeFailed && this.#end(nowMs);
  }

  /** What listens there is a new process. Gives whether that ended an ejection. */
  noteRestarted(nowMs: number): boolean {
    this.#endRow();
    this.#recent.clear();
    this.#judgedFromMs = nowMs;
    return this.#end(nowMs);
  }

  #tooManyErrors({ errorsInRow, errorRatio, requestsMin, windowMs }: EjectionSettings): string | undefined {
    if (errorsInRow > 0 && this.#errorsInRow >= errorsInRow) return `${this.#errorsInRow} errors in a row`;
    const { requests, failed } = this.#recent;
    if (errorRatio === 0 || requests < requestsMin || failed < errorRatio * requests) return undefined;
    return `${failed} of ${requests} requests failed within ${windowMs} ms`;
  }

  #eject(because: EjectedBecause, nowMs: number, { baseMs, maxMs }: EjectionSettings): void {
    if (this.#because === undefined && nowMs - this.#inSinceMs >= maxMs) this.#doublings = 0;
    const firstMs = because === 'draining' ? Math.min(DRAINING_BASE_MS, baseMs) : baseMs;
    this.#because = because;
    this.#judgedFromMs = nowMs + Math.min(maxMs, firstMs * 2 ** this.#doublings);
    this.#doublings += 1;
    this.#onTrial = false;
    this.#probeFailed = false;
    this.#endRow();
    this.#recent.clear();
  }

  #endRow(): void {
    this.#errorsInRow = 0;
    this.#rowSentMs = -Infinity;
  }

  #end(nowMs: number): boolean {
    if (this.#because === undefined) return false;
    this.#because = undefined;
    this.#onTrial = false;
    this.#inSinceMs = nowMs;
    this.#judgedFromMs = Math.min(this.#judgedFromMs, nowMs);
    return true;
  }
}
