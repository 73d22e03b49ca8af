// halt.ts: whether an engine takes requests and lets them wait, though its server is well.

import type { LoadSample } from './load-sample.ts';

/** `asleep`: its weights are not in place. `paused`: requests wait, none runs, and it takes no steps. */
export type Halted = 'asleep' | 'paused';

const PAUSED_SAMPLES_MIN = 3;
const PAUSED_MS_MIN = 5000;

/** Judged sample by sample. */
export class Halt {
  #state: Halted | undefined;
  #last: LoadSample | undefined;
  #still = 0;
  #stillSinceMs = 0;

  /** Undefined while the engine works. */
  get state(): Halted | undefined {
    return this.#state;
  }

  note(sample: LoadSample): void {
    const waits = (sample.waiting ?? 0) > 0 && sample.running === 0 && sample.stepsTotal !== undefined;
    if (!waits) this.#still = 0;
    else if (this.#still === 0 || this.#last?.stepsTotal !== sample.stepsTotal) {
      this.#still = 1;
      this.#stillSinceMs = sample.atMs;
    } else this.#still += 1;
    this.#last = sample;
    const paused = this.#still >= PAUSED_SAMPLES_MIN && sample.atMs - this.#stillSinceMs >= PAUSED_MS_MIN;
    if (sample.asleep === true) this.#state = 'asleep';
    else this.#state = paused ? 'paused' : undefined;
  }

  /** Nothing is known of what listens there now. */
  reset(): void {
    this.#state = undefined;
    this.#still = 0;
  }
}
