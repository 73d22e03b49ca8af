// block-pool.ts: which block of the KV cache holds what, and which one is overwritten next. Bookkeeping only, no time.

import { KeyTable } from './key-table.ts';

const NO_KEY = -1;

/**
 * vLLM's block pool: every block is either in use (references > 0) or in the free queue, and a free block keeps its content,
 * and can be hit, until it reaches the head of the queue and is taken.
 *
 * Block 0 is the null block and is never given out. Equal content is not merged: two blocks may carry one key.
 */
export class BlockPool {
  readonly usableBlocks: number;
  #freeBlocks: number;
  /** The free queue as a ring of links around a sentinel. */
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #sentinel: number;
  readonly #references: Int32Array;
  readonly #keyOf: Float64Array;
  readonly #firstWithKey: KeyTable;
  /** The blocks with one key form a ring, oldest first: a prompt repeated a thousand times makes a thousand twins. */
  readonly #nextTwin: Int32Array;
  readonly #previousTwin: Int32Array;

  constructor(blocks: number) {
    if (!Number.isInteger(blocks) || blocks < 2) throw new RangeError(`a block pool needs at least 2 blocks: ${blocks}`);
    this.usableBlocks = blocks - 1;
    this.#freeBlocks = blocks - 1;
    this.#sentinel = blocks;
    this.#next = new Int32Array(blocks + 1);
    this.#previous = new Int32Array(blocks + 1);
    for (let block = 1; block <= blocks; block++) {
      this.#next[block] = block === blocks ? 1 : block + 1;
      this.#previous[block] = block === 1 ? blocks : block - 1;
    }
    this.#firstWithKey = new KeyTable(blocks);
    this.#references = new Int32Array(blocks);
    this.#keyOf = new Float64Array(blocks).fill(NO_KEY);
    this.#nextTwin = new Int32Array(blocks);
    this.#previousTwin = new Int32Array(blocks);
  }

  get freeBlocks(): number {
    return this.#freeBlocks;
  }

  /** The blocks that hold the leading keys, at most `blocksMax` of them. Changes nothing: `reuse` takes them. */
  match(keys: Float64Array, blocksMax: number): number[] {
    const found: number[] = [];
    const end = Math.min(blocksMax, keys.length);
    while (found.length < end) {
      const block = this.#firstWithKey.get(keys[found.length]!);
      if (block === 0) break;
      found.push(block);
    }
    return found;
  }

  isFree(block: number): boolean {
    return this.#references[block] === 0;
  }

  /** Adds a reference to a block that `match` found; out of the free queue it can no longer be overwritten. */
  reuse(block: number): void {
    if (this.#references[block] === 0) this.#unlink(block);
    this.#references[block]! += 1;
  }

  /** The block at the head of the free queue; what it held is gone. The caller checks `freeBlocks` first. */
  take(): number {
    const block = this.#next[this.#sentinel]!;
    if (block === this.#sentinel) throw new Error('no free block');
    this.#unlink(block);
    this.#dropKey(block);
    this.#references[block] = 1;
    return block;
  }

  /** Makes a block in use hittable under `key`. */
  register(block: number, key: number): void {
    this.#dropKey(block);
    this.#keyOf[block] = key;
    const known = this.#firstWithKey.get(key);
    const first = known === 0 ? block : known;
    if (known === 0) this.#firstWithKey.set(key, block);
    const last = first === block ? block : this.#previousTwin[first]!;
    this.#nextTwin[last] = block;
    this.#previousTwin[block] = last;
    this.#nextTwin[block] = first;
    this.#previousTwin[first] = block;
  }

  /**
   * Gives back the blocks of one request, in the order of its tokens. The tail of the chain is queued first and so goes first;
   * blocks that hold nothing hittable go to the head.
   */
  release(blocks: readonly number[]): void {
    for (let at = blocks.length - 1; at >= 0; at--) {
      const block = blocks[at]!;
      this.#references[block]! -= 1;
      if (this.#references[block] !== 0) continue;
      const before = this.#keyOf[block] === NO_KEY ? this.#sentinel : this.#previous[this.#sentinel]!;
      this.#linkAfter(before, block);
    }
  }

  /** Forgets all content. Blocks in use stay in use, but nobody can hit them. */
  flush(): void {
    this.#firstWithKey.clear();
    this.#keyOf.fill(NO_KEY);
  }

  #unlink(block: number): void {
    const next = this.#next[block]!;
    const previous = this.#previous[block]!;
    this.#next[previous] = next;
    this.#previous[next] = previous;
    this.#freeBlocks -= 1;
  }

  #linkAfter(before: number, block: number): void {
    const after = this.#next[before]!;
    this.#next[before] = block;
    this.#previous[block] = before;
    this.#next[block] = after;
    this.#previous[after] = block;
    this.#freeBlocks += 1;
  }

  #dropKey(block: number): void {
    const key = this.#keyOf[block]!;
    if (key === NO_KEY) return;
    this.#keyOf[block] = NO_KEY;
    const next = this.#nextTwin[block]!;
    if (next === block) {
      this.#firstWithKey.delete(key);
      return;
    }
    if (this.#firstWithKey.get(key) === block) this.#firstWithKey.set(key, next);
    const previous = this.#previousTwin[block]!;
    this.#nextTwin[previous] = next;
    this.#previousTwin[next] = previous;
  }
}
