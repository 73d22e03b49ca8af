// held-blocks.ts: how the blocks of one cache are kept, and what there is to read of them.

import type { Chain } from '../core/chain.ts';
import { BlockTable } from './block-table.ts';
import type { ModelKey } from './model-key.ts';

// Fields of a block, after its hash; 2 and 3 are the list's.
/** Sixteenths of a token. */
export const SIZE = 4;
/** PIN × unfinished requests dispatched with the block, plus flags. */
export const STATE = 5;
/** Milliseconds modulo 2³²: ages are right up to 24 days. */
export const CONFIRMED_AT = 6;
/** The stretch of use in which it was confirmed last; before that, in which it came. */
export const BUCKET = 7;
export const STRIDE = 8;

/** Of so few blocks each is looked at, side by side as they are; of more, those that a binary search asks for. */
const WALKED_MAX = 48;

export const CONFIRMED = 1;
/** Among those that may be evicted. A confirmed block that is not was spared: its turn came while a request had it in use. */
export const LISTED = 2;
/** Evicted: a cache that is larger than it is taken to be still has it. Listed on the old side of those that may be evicted. */
export const GHOST = 4;
/** It came when the shared table was full. */
export const UNTRACKED = 8;
export const PIN = 16;

/** A block is named by its entry in the table, and is there while it is pinned or confirmed; one that was evicted stays a while as a ghost. */
export class HeldBlocks {
  readonly table = new BlockTable(STRIDE);

  sizeOf(block: number): number {
    return this.table.fields[block + SIZE]!;
  }

  bucketOf(block: number): number {
    return this.table.fields[block + BUCKET]!;
  }

  confirmedAt(block: number): number {
    return this.table.fields[block + CONFIRMED_AT]!;
  }

  /** Time since it was confirmed, up to 49 days; Infinity when it was not. */
  ageMs(block: number, nowMs: number): number {
    return this.isConfirmed(block) ? (nowMs - this.confirmedAt(block)) >>> 0 : Infinity;
  }

  /** Whether it is there. Of entry 0, the absent block, nothing is true. */
  isHeld(block: number): boolean {
    const state = this.table.fields[block + STATE]!;
    return state >= PIN || (state & CONFIRMED) !== 0;
  }

  isConfirmed(block: number): boolean {
    return (this.table.fields[block + STATE]! & CONFIRMED) !== 0;
  }

  isConfirmedSince(block: number, sinceMs: number): boolean {
    return this.isConfirmed(block) && ((this.confirmedAt(block) - (sinceMs | 0)) | 0) >= 0;
  }

  /** Whoever iterates may lose them meanwhile. */
  *confirmedBefore(sinceMs: number): Generator<number> {
    for (let block = STRIDE; block < this.table.fields.length; block += STRIDE) {
      if (this.isConfirmed(block) && !this.isConfirmedSince(block, sinceMs)) yield block;
    }
  }

  isListed(block: number): boolean {
    return (this.table.fields[block + STATE]! & LISTED) !== 0;
  }

  isPinned(block: number): boolean {
    return this.table.fields[block + STATE]! >= PIN;
  }

  /** The block, if it is there; else 0. */
  find(low: number, high: number): number {
    const block = this.table.find(low, high);
    return this.isHeld(block) ? block : 0;
  }

  /** Block i of the chain, if it is there; else 0. */
  findBlock(chain: Chain, model: ModelKey, i: number): number {
    const block = this.table.findBlock(chain, model, i);
    return this.isHeld(block) ? block : 0;
  }

  /**
   * How many leading blocks of the chain are there, of which no more than `most` are. A block must never be there without the blocks before it.
   *
   * `guess` is tried early: caches that served the same prompts mostly give the same answer, and two look-ups are fewer than eight.
   */
  leading(chain: Chain, model: ModelKey, most: number, guess: number): number {
    if (most === 0 || this.findBlock(chain, model, most - 1) !== 0) return most;
    let end = most - 1;
    let block = end === 0 ? 0 : this.findBlock(chain, model, 0);
    if (block === 0) return 0;
    if (end <= WALKED_MAX) {
      for (let i = 1; i < end; i++) {
        block = this.table.findBeside(block, chain, model, i);
        if (!this.isHeld(block)) return i;
      }
      return end;
    }
    let present = 1;
    if (guess > 1 && guess <= end) {
      if (this.findBlock(chain, model, guess - 1) === 0) end = guess - 1;
      else present = guess;
    }
    if (guess > 0 && guess < end) {
      if (this.findBlock(chain, model, guess) === 0) end = guess;
      else present = guess + 1;
    }
    while (present < end) {
      const middle = (present + end) >>> 1;
      if (this.findBlock(chain, model, middle) === 0) end = middle;
      else present = middle + 1;
    }
    return present;
  }

  isGhost(block: number): boolean {
    return (this.table.fields[block + STATE]! & GHOST) !== 0;
  }
}
