// schedule.ts: timers as a parameter, so that minutes of probing can be tested without waiting.

import type { Clock } from '../core/clock.ts';
import type { Random } from '../core/random.ts';

/** Calls `run` once after `delayMs`. What it returns cancels the call, and does nothing afterwards. */
export type Schedule = (delayMs: number, run: () => void) => () => void;

/** Real timers. They never keep the process alive: what they do is housekeeping. */
export const timers: Schedule = (delayMs, run) => {
  const timer = setTimeout(run, delayMs).unref();
  return () => clearTimeout(timer);
};

/** Time and chance, as a room takes them. */
export interface Rhythm {
  readonly clock: Clock;
  readonly random: Random;
  readonly schedule: Schedule;
}

/** Intervals differ by up to this share, so that what started together does not stay together. */
const JITTER = 0.1;

/** A task that runs again and again. */
export interface Repeated {
  end(): void;
  /** Lets it run within `delayMs`. Changes nothing when it is to run sooner, or runs. */
  hurry(delayMs: number): void;
}

/**
 * Runs `task` after `firstDelayMs` and then again and again, never twice at once, until it is ended.
 *
 * The task says how long to wait, counted from when it began. It must not reject.
 */
export function repeat(task: () => Promise<number>, firstDelayMs: number, { clock, random, schedule }: Rhythm): Repeated {
  let ended = false;
  let dueMs = -Infinity;
  let cancel = (): void => {};
  const arm = (delayMs: number): void => {
    dueMs = clock() + delayMs;
    cancel = schedule(delayMs, run);
  };
  async function run(): Promise<void> {
    const startMs = clock();
    dueMs = -Infinity;
    const intervalMs = (await task()) * (1 - JITTER + 2 * JITTER * random());
    if (!ended) arm(Math.max(0, intervalMs - (clock() - startMs)));
  }
  arm(firstDelayMs);
  return {
    end() {
      ended = true;
      cancel();
    },
    hurry(delayMs) {
      if (ended || dueMs <= clock() + delayMs) return;
      cancel();
      arm(delayMs);
    },
  };
}
