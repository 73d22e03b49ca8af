// virtual-clock.ts: time that goes from one timer to the next.

import { setImmediate } from 'node:timers/promises';
import type { Schedule } from '../../src/pool/schedule.ts';

interface Timer {
  readonly atMs: number;
  readonly run: () => void;
}

export class VirtualClock {
  #nowMs = 0;
  /** By time, the earliest last; of equal ones the first that was set runs first. */
  readonly #timers: Timer[] = [];

  readonly clock = (): number => this.#nowMs;

  readonly schedule: Schedule = (delayMs, run) => {
    const timer = { atMs: this.#nowMs + delayMs, run };
    let at = this.#timers.length;
    while (at > 0 && this.#timers[at - 1]!.atMs <= timer.atMs) at -= 1;
    this.#timers.splice(at, 0, timer);
    return () => {
      const found = this.#timers.indexOf(timer);
      if (found >= 0) this.#timers.splice(found, 1);
    };
  };

  /** Runs the next timer and what its promises go on with; false when it is due after `untilMs`, which it is then. */
  async step(untilMs: number): Promise<boolean> {
    const next = this.#timers.at(-1);
    if (next === undefined || next.atMs > untilMs) {
      this.#nowMs = untilMs;
      return false;
    }
    this.#timers.pop();
    this.#nowMs = next.atMs;
    next.run();
    await setImmediate();
    return true;
  }
}
