// shared-blocks.ts: what is known of a block on whatever endpoint: who may have it, how many ways prompts went on after it, and how many tokens it ends at.

import type { Chain } from '../core/chain.ts';
import { BlockTable, HIGH, LOW } from './block-table.ts';
import type { ModelKey } from './model-key.ts';

/** Field of an entry: how many prefix indexes have the block or its ghost, times HOLDER, plus how it goes on. */
const SEEN = 2;
/** No prompt with it was computed; no block of one came after it; one did; or several did: then their number is in the table of forks. */
const UNSEEN = 0;
const ENDS = 1;
const GOES_ON = 2;
const FORKS = 3;
const HOW = 3;
const HOLDER = 4;
/** Sixteenths of a token that a prompt has up to the end of the block, as far as the engine has told; 0 is unknown. */
const TOKENS_END = 3;
/** One bit for each holder that has or had it, numbers modulo 32: who has no bit here does not have it. */
const HOLDERS = 4;
const EVERYBODY = -1;
const HOLDER_BITS = 32;
const STRIDE = 5;
const SIXTEENTHS = 16;
/** Field of a fork: how many different continuations were seen. */
const COUNT = 2;
const COUNT_MAX = 255;
const FORK_STRIDE = 3;

/** A chain's leading blocks in the table, up to where no index can have all of them. Not to be used after a block came or went, or another chain was followed. */
export interface Trail {
  readonly length: number;
  /** Of each block; 0 where it is not tracked. */
  readonly entries: Int32Array;
  /** By holder, modulo 32: how many of the leading blocks it may have, and never fewer than it has. */
  readonly reach: Int32Array;
}

/**
 * The blocks of all endpoints' prefix indexes, each with the number of different continuations seen after it, and with the tokens up
 * to its end: the engines count a prompt alike wherever it goes.
 *
 * The indexes say when a block appears and leaves (`add`, `remove`); a block is forgotten with its last holder, who may have its ghost only. A continuation counts
 * with the first token of a prompt, so one that is withdrawn does not; one that was forgotten and comes back counts again. Few blocks fork, so
 * the number of ways has a table of its own.
 */
export class SharedBlocks {
  readonly #table = new BlockTable(STRIDE);
  readonly #forks = new BlockTable(FORK_STRIDE);
  readonly #entriesMax: number;
  /** Of the last trail, used again: the chain of a long prompt has hundreds of blocks. */
  #entries = new Int32Array(512);
  readonly #reach = new Int32Array(HOLDER_BITS);
  /** How often an index has a block that it added when the table was full: while there are any, bits may be missing. */
  #untracked = 0;

  /** When there are `entriesMax` blocks, further ones are not tracked and nothing new is counted. */
  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  get entries(): number {
    return this.#table.size;
  }

  get bytes(): number {
    return this.#table.bytes + this.#forks.bytes;
  }

  /** Loads what `add` of such a hash begins with. */
  touch(low: number): number {
    return this.#table.touch(low);
  }

  /** Loads what `remove` of such a hash begins with. */
  touchEntry(low: number): number {
    return this.#table.fields[this.#table.touch(low) + SEEN]!;
  }

  /** The index numbered `holder` has a block that it did not have. Returns whether it is tracked, for `remove`. */
  add(low: number, high: number, holder: number): boolean {
    let entry = this.#table.find(low, high);
    if (entry === 0) {
      if (this.#table.size >= this.#entriesMax) {
        this.#untracked += 1;
        return false;
      }
      entry = this.#table.insert(low, high);
      if (this.#untracked > 0) this.#table.fields[entry + HOLDERS] = EVERYBODY;
    }
    this.#table.fields[entry + SEEN]! += HOLDER;
    this.#table.fields[entry + HOLDERS]! |= 1 << holder;
    return true;
  }

  /** An index has lost the block, which was tracked for it or was not. An answer, which is never added, is nothing to forget. */
  remove(low: number, high: number, isTracked: boolean): void {
    if (!isTracked) {
      this.#untracked -= 1;
      return;
    }
    const entry = this.#table.find(low, high);
    if (entry === 0) return;
    const seen = this.#table.fields[entry + SEEN]! - HOLDER;
    if (seen >= HOLDER) {
      this.#table.fields[entry + SEEN] = seen;
      return;
    }
    if (seen === FORKS) this.#forks.remove(this.#forks.find(low, high));
    this.#table.remove(entry);
  }

  /** Who may have how much of the chain: most blocks are looked up once, whoever has them. */
  follow(chain: Chain, model: ModelKey): Trail {
    const { fields } = this.#table;
    if (this.#entries.length < chain.length) this.#entries = new Int32Array(2 * chain.length);
    const entries = this.#entries;
    const reach = this.#reach.fill(0);
    const absent = this.#untracked > 0 ? EVERYBODY : 0;
    let holders = EVERYBODY;
    let length = 0;
    for (let entry = 0; length < chain.length; length++) {
      entry = this.#table.findBeside(entry, chain, model, length);
      const here = holders & (entry === 0 ? absent : fields[entry + HOLDERS]!);
      if (length > 0) noteReach(reach, holders & ~here, length);
      holders = here;
      if (holders === 0) break;
      entries[length] = entry;
    }
    noteReach(reach, holders, length);
    return { length, entries, reach };
  }

  /**
   * The prompt was computed, and its blocks are held: counts where it leaves what was computed before.
   *
   * `tokenEnds`: what an engine told about its blocks, from block `known` on. What is known already stays: it was told of a prompt that ended nearer.
   */
  confirm(chain: Chain, model: ModelKey, tokenEnds?: ArrayLike<number>, known = 0): void {
    const { fields } = this.#table;
    const told = tokenEnds === undefined ? chain.length : known;
    let isNew = true;
    let next = 0;
    for (let i = chain.length - 1; i >= 0 && (isNew || i >= told); i--) {
      const entry = this.#table.findBeside(next, chain, model, i);
      if (isNew && (fields[entry + SEEN]! & HOW) !== UNSEEN) {
        if (next !== 0) this.#branch(entry);
        isNew = false;
      }
      // What is not tracked would look new each time.
      if (entry !== 0) {
        if (isNew) fields[entry + SEEN]! += i + 1 < chain.length ? GOES_ON : ENDS;
        if (i >= told && fields[entry + TOKENS_END] === 0) fields[entry + TOKENS_END] = Math.round(tokenEnds![i]! * SIXTEENTHS);
      }
      next = entry;
    }
  }

  /** Fills in `branches[i]` for each block i < `upTo` of the trail: the largest count of it or a later one of these blocks, at least 1. */
  readBranches({ entries }: Trail, upTo: number, branches: number[]): void {
    const { fields } = this.#table;
    let most = 1;
    for (let i = upTo - 1; i >= 0; i--) {
      const entry = entries[i]!;
      if ((fields[entry + SEEN]! & HOW) === FORKS) most = Math.max(most, this.#forks.fields[this.#forks.find(fields[entry + LOW]!, fields[entry + HIGH]!) + COUNT]!);
      branches[i] = most;
    }
  }

  /** Tokens of a prompt up to the end of block i of the trail, as an engine told; 0 when none has. */
  tokensEnd({ entries }: Trail, i: number): number {
    return this.#table.fields[entries[i]! + TOKENS_END]! / SIXTEENTHS;
  }

  /** Lets old fan-out fade: every count halves, never below 1. */
  halve(): void {
    const { fields } = this.#forks;
    // Unused entries are zero and stay so.
    for (let fork = FORK_STRIDE; fork < fields.length; fork += FORK_STRIDE) {
      const count = fields[fork + COUNT]! >>> 1;
      if (count > 1) fields[fork + COUNT] = count;
      else if (count === 1) this.#unfork(fork);
    }
  }

  #branch(entry: number): void {
    const { fields } = this.#table;
    const how = fields[entry + SEEN]! & HOW;
    if (how !== FORKS) fields[entry + SEEN]! += 1;
    if (how === ENDS) return;
    const low = fields[entry + LOW]!;
    const high = fields[entry + HIGH]!;
    const fork = how === FORKS ? this.#forks.find(low, high) : this.#forks.insert(low, high);
    const count = how === FORKS ? this.#forks.fields[fork + COUNT]! : 1;
    this.#forks.fields[fork + COUNT] = Math.min(COUNT_MAX, count + 1);
  }

  #unfork(fork: number): void {
    const entry = this.#table.find(this.#forks.fields[fork + LOW]!, this.#forks.fields[fork + HIGH]!);
    this.#table.fields[entry + SEEN]! -= FORKS - GOES_ON;
    this.#forks.remove(fork);
  }
}

/** Each of the holders has so many blocks at most. */
function noteReach(reach: Int32Array, holders: number, blocks: number): void {
  for (let left = holders; left !== 0; left &= left - 1) reach[HOLDER_BITS - 1 - Math.clz32(left & -left)] = blocks;
}
