// sweep.ts: one timer for the limits of all attempts, so that a chunk costs no timer of its own.

import type { Clock } from '../core/clock.ts';

const TICK_MIN_MS = 10;
const TICK_MAX_MS = 250;

/** Something with limits in time. */
export interface Swept {
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
  readonly #members = new Set<Swept>();
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: Clock, shortestLimitMs: number) {
    this.#clock = clock;
    this.#tickMs = Math.min(TICK_MAX_MS, Math.max(TICK_MIN_MS, Math.floor(shortestLimitMs / 10)));
    this.nowMs = clock();
  }

  /** Gives the time from which the member's limits count. `nowMs` is of no use before: nothing keeps it fresh while nothing is swept. */
  add(member: Swept): number {
    if (this.#members.size === 0) this.nowMs = this.#clock();
    this.#members.add(member);
    this.#timer ??= setInterval(() => this.#tick(), this.#tickMs).unref();
    return this.nowMs;
  }

  delete(member: Swept): void {
    this.#members.delete(member);
  }

  /** The timer rests from the first tick that finds nothing: requests that come one after the other do not start and stop it each. */
  #tick(): void {
    this.nowMs = this.#clock();
    if (this.#members.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    for (const member of this.#members) member.sweep(this.nowMs);
  }
}
