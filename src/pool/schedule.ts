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

/**
 * Runs `task` after `firstDelayMs` and then again and again, never twice at once, until the returned function is called.
 *
 * The task says how long to wait, counted from when it began. It must not reject.
 */
export function repeat(task: () => Promise<number>, firstDelayMs: number, { clock, random, schedule }: Rhythm): () => void {
  let stopped = false;
  let cancel = schedule(firstDelayMs, run);
  async function run(): Promise<void> {
    const startMs = clock();
    const intervalMs = (await task()) * (1 - JITTER + 2 * JITTER * random());
    if (!stopped) cancel = schedule(Math.max(0, intervalMs - (clock() - startMs)), run);
  }
  return () => {
    stopped = true;
    cancel();
  };
}
