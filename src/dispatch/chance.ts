// chance.ts: random numbers that can be foreseen: a dry run draws what the next choice will draw, and takes nothing from it.

import type { Random } from '../core/random.ts';

export class Chance {
  readonly #random: Random;
  /** Drawn in a dry run, and not used yet. */
  readonly #ahead: number[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  readonly draw: Random = () => (this.#ahead.length > 0 ? this.#ahead.shift()! : this.#random());

  /** The numbers that `draw` will give. */
  foresee(): Random {
    let drawn = 0;
    return () => {
      if (drawn === this.#ahead.length) this.#ahead.push(this.#random());
      return this.#ahead[drawn++]!;
    };
  }
}
