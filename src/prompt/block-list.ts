// block-list.ts: the blocks of the prompt that is being written, in arrays that outlive it.

import type { Chain } from '../core/chain.ts';

/** Room that is kept from prompt to prompt: enough for some 128 MB in long messages, or for as many short messages. */
const BLOCKS_KEPT = 4_096;
/** An end, a hash and a mark. */
const BLOCK_BYTES = 17;

/** A chain in the making. */
export class BlockList {
  #length = 0;
  #hashes = new Int32Array(2 * BLOCKS_KEPT);
  #ends = new Float64Array(BLOCKS_KEPT);
  #marks = new Uint8Array(BLOCKS_KEPT);

  get length(): number {
    return this.#length;
  }

  clear(): void {
    this.#length = 0;
  }

  push(low: number, high: number, end: number, mark: number): void {
    const block = this.#length;
    if (block === this.#ends.length) this.#grow(2 * block);
    this.#hashes[2 * block] = low;
    this.#hashes[2 * block + 1] = high;
    this.#ends[block] = end;
    this.#marks[block] = mark;
    this.#length = block + 1;
  }

  /** A copy of exact size. Gives back what an unusually long prompt took. */
  take(): Chain {
    const length = this.#length;
    // One piece of memory: a request that is under way keeps its chain, and each piece costs some 400 bytes beside what it holds.
    const memory = new ArrayBuffer(BLOCK_BYTES * length);
    const chain = {
      length,
      ends: new Float64Array(memory, 0, length),
      hashes: new Int32Array(memory, 8 * length, 2 * length),
      marks: new Uint8Array(memory, 16 * length, length),
    };
    chain.ends.set(this.#ends.subarray(0, length));
    chain.hashes.set(this.#hashes.subarray(0, 2 * length));
    chain.marks.set(this.#marks.subarray(0, length));
    if (length > BLOCKS_KEPT) {
      this.#hashes = new Int32Array(2 * BLOCKS_KEPT);
      this.#ends = new Float64Array(BLOCKS_KEPT);
      this.#marks = new Uint8Array(BLOCKS_KEPT);
    }
    return chain;
  }

  #grow(blocks: number): void {
    const hashes = new Int32Array(2 * blocks);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    const ends = new Float64Array(blocks);
    ends.set(this.#ends);
    this.#ends = ends;
    const marks = new Uint8Array(blocks);
    marks.set(this.#marks);
    this.#marks = marks;
  }
}
