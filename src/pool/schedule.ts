// schedule.ts: timers as a parameter, so that minutes of probing can be tested without waiting.

/** Calls `run` once after `delayMs`. What it returns cancels the call, and does nothing afterwards. */
export type Schedule = (delayMs: number, run: () => void) => () => void;

/** Real timers. They never keep the process alive: what they do is housekeeping. */
export const timers: Schedule = (delayMs, run) => {
  const timer = setTimeout(run, delayMs).unref();
  return () => clearTimeout(timer);
};
