// block-list.ts: the blocks of the prompt that is being written, in arrays that outlive it.

import type { Chain } from '../core/chain.ts';

/** Room that is kept from prompt to prompt: enough for some 128 MB in long messages, or for as many short messages. */
const BLOCKS_KEPT = 4_096;

/** A chain in the making. Plain arrays: the engine copies short ones in 20 ns each, and takes 150 ns to make a typed one. */
export class BlockList {
  #length = 0;
  #hashes: number[] = [];
  #ends: number[] = [];
  #marks: number[] = [];

  get length(): number {
    return this.#length;
  }

  clear(): void {
    this.#length = 0;
  }

  push(low: number, high: number, end: number, mark: number): void {
    const block = this.#length;
    this.#hashes[2 * block] = low;
    this.#hashes[2 * block + 1] = high;
    this.#ends[block] = end;
    this.#marks[block] = mark;
    this.#length = block + 1;
  }

  /** A copy of exact size. Gives back what an unusually long prompt took. */
  take(): Chain {
    const length = this.#length;
    const chain = { length, hashes: this.#hashes.slice(0, 2 * length), ends: this.#ends.slice(0, length), marks: this.#marks.slice(0, length) };
    if (length > BLOCKS_KEPT) {
      this.#hashes = [];
      this.#ends = [];
      this.#marks = [];
    }
    return chain;
  }
}
