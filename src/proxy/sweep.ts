// sweep.ts: one timer for the limits of all attempts, so that a chunk costs no timer of its own.

import type { Clock } from '../core/clock.ts';

const TICK_MIN_MS = 10;
const TICK_MAX_MS = 250;

/** Something with limits in time. */
export interface Swept {
  /** Where the sweep keeps it: the sweep's own. */
  sweepIndex: number;
  /** Called at each tick. */
  sweep(nowMs: number): void;
}

/**
 * Looks at everything that is under way a few times a second.
 *
 * Limits are kept to a tenth of the shortest one, and `nowMs` is as old as the last tick: precise enough for limits of seconds, and
 * free to read for each chunk.
 */
export class Sweep {
  nowMs: number;
  readonly #clock: Clock;
  readonly #tickMs: number;
  /**
   * Not a Set: the tables that a Set outgrows or tidies point on to the next one, so that one of them in old space keeps everything
   * alive that was added since. With the dispatcher's attempts that was 3.5 KB a request until the next full collection (bench/proxy).
   */
  readonly #members: Swept[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: Clock, shortestLimitMs: number) {
    this.#clock = clock;
    this.#tickMs = Math.min(TICK_MAX_MS, Math.max(TICK_MIN_MS, Math.floor(shortestLimitMs / 10)));
    this.nowMs = clock();
  }

  /** Gives the time from which the member's limits count. `nowMs` is of no use before: nothing keeps it fresh while nothing is swept. */
  add(member: Swept): number {
    if (this.#members.length === 0) this.nowMs = this.#clock();
    member.sweepIndex = this.#members.length;
    this.#members.push(member);
    this.#timer ??= setInterval(() => this.#tick(), this.#tickMs).unref();
    return this.nowMs;
  }

  delete(member: Swept): void {
    const { sweepIndex } = member;
    if (this.#members[sweepIndex] !== member) return;
    const last = this.#members.pop()!;
    if (last === member) return;
    this.#members[sweepIndex] = last;
    last.sweepIndex = sweepIndex;
  }

  /** The timer rests from the first tick that finds nothing: requests that come one after the other do not start and stop it each. */
  #tick(): void {
    this.nowMs = this.#clock();
    if (this.#members.length === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    // Backwards, as one that ends is replaced by the last.
    for (let i = this.#members.length - 1; i >= 0; i -= 1) this.#members[i]?.sweep(this.nowMs);
  }
}
