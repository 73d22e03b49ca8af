// doubt.ts: what may be predicted while an engine may have lost its cache and nobody knows yet.

import type { Stretch } from './stretch.ts';

/** If the cache was emptied, so many predictions are wrong after the answer that raised the doubt: one fewer than are allowed, as reports are not exact. */
const BETS = 2;

interface Span {
  readonly dispatchedMs: number;
  readonly endedMs: number;
}

/** A request that found something. */
interface Finding {
  readonly found: readonly Stretch[];
  readonly dispatchedMs: number;
}

interface Question {
  /** Dispatch of the first request that found less than was held. */
  readonly sinceMs: number;
  /** The millisecond after that was heard, because engines end several answers at once: what is confirmed from then on came after whatever happened. */
  readonly certainFromMs: number;
  /** Requests that may yet be predicted as if nothing had happened. */
  readonly bets: number;
}

/**
 * A prompt that is missing was evicted, lost for a reason of its own, or all is lost: to be sure of that takes answers, and requests go on
 * while they come. So any miss raises a doubt, until a request that was dispatched later finds something from before. Meanwhile a few
 * requests are predicted by what is in doubt, the others by what is certain; all of them show what is there.
 */
export class Doubt {
  #question: Question | undefined;
  /** Of those that found something unused, the one that was dispatched last. */
  #finding: Finding | undefined;

  /** From when on what is confirmed is certain; undefined: all is. */
  get certainFromMs(): number | undefined {
    return this.#question?.certainFromMs;
  }

  /** Whether the stretch is of what is in doubt. */
  includes({ confirmedAtMs }: Stretch): boolean {
    return this.#question !== undefined && isBefore(confirmedAtMs, this.#question.certainFromMs);
  }

  /** Requests that were dispatched later are served after whatever happened: what they have in use is certain too. */
  get sinceMs(): number {
    return this.#question?.sinceMs ?? -Infinity;
  }

  /** Whether one more request may be predicted by what is in doubt. */
  get mayBet(): boolean {
    return this.#question === undefined || this.#question.bets > 0;
  }

  /** A request was dispatched that is predicted by what is in doubt. */
  noteBet(): void {
    if (this.#question !== undefined) this.#question = { ...this.#question, bets: this.#question.bets - 1 };
  }

  /** Whether a request that was dispatched then may have been served before what the doubt is about: that it ends now says nothing of what is held. */
  covers(dispatchedMs: number): boolean {
    return this.#question !== undefined && dispatchedMs < this.#question.sinceMs;
  }

  /** Takes what a request found for certain, and the first stretch that it missed, if only in part. */
  weigh(found: readonly Stretch[], missed: Stretch | undefined, { dispatchedMs, endedMs }: Span): void {
    const finding = { found, dispatchedMs };
    if (found.some(isUnused) && dispatchedMs >= (this.#finding?.dispatchedMs ?? -Infinity)) this.#finding = finding;
    if (this.#question !== undefined && refutes(finding, this.#question.sinceMs)) this.#question = undefined;
    if (missed?.kind !== 'idle' && missed?.kind !== 'busy') return;
    // What empties a cache takes what is older too.
    if (found.some((each) => isUnused(each) && (each.kind === 'ghost' || !isBefore(missed.confirmedAtMs, each.confirmedAtMs)))) return;
    if (this.#question === undefined) {
      if (this.#finding === undefined || !refutes(this.#finding, dispatchedMs)) this.#question = { sinceMs: dispatchedMs, certainFromMs: endedMs + 1, bets: BETS };
    } else if (this.includes(missed)) {
      this.#question = { ...this.#question, sinceMs: Math.min(this.#question.sinceMs, dispatchedMs) };
    } else {
      // What seemed certain is missing too: it happened again.
      this.#question = { ...this.#question, sinceMs: dispatchedMs, certainFromMs: endedMs + 1 };
    }
  }

  /** The cache is known to be empty. */
  forget(): void {
    this.#question = undefined;
    this.#finding = undefined;
  }
}

/** What was in use may have been computed anew by others. */
export function isUnused({ kind }: Stretch): boolean {
  return kind === 'idle' || kind === 'ghost';
}

/** Whether something from before is still there: but not as a request found it that was sent before, and may have been served before. */
export function refutes({ found, dispatchedMs }: Finding, sinceMs: number): boolean {
  return dispatchedMs > sinceMs && found.some(({ kind, confirmedAtMs }) => kind === 'ghost' || (kind === 'idle' && isBefore(confirmedAtMs, sinceMs)));
}

/** Both modulo 2³² ms. */
function isBefore(confirmedAtMs: number, sinceMs: number): boolean {
  return (((sinceMs | 0) - confirmedAtMs) | 0) > 0;
}
