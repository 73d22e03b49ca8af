// shared-blocks.ts: what is known of a block on whatever endpoint: how many ways prompts went on after it, and how many tokens it ends at.

import type { Chain } from '../core/chain.ts';
import { BlockTable } from './block-table.ts';
import type { ModelKey } from './model-key.ts';

/** Field of an entry: how many prefix indexes have the block, times HOLDER, plus its count of continuations. */
const SEEN = 2;
/** Sixteenths of a token that a prompt has up to the end of the block, as far as the engine has told; 0 is unknown. */
const TOKENS_END = 3;
const STRIDE = 4;
const SIXTEENTHS = 16;
const HOLDER = 256;
const COUNT_MAX = 255;

/**
 * The blocks of all endpoints' prefix indexes, each with the number of different continuations seen after it, and with the tokens up
 * to its end: the engines count a prompt alike wherever it goes.
 *
 * The indexes say when a block appears and leaves (`add`, `remove`); a block is forgotten with its last holder. A continuation that
 * was forgotten and comes back counts again.
 */
export class SharedBlocks {
  readonly #table = new BlockTable(STRIDE);
  readonly #entriesMax: number;

  /** When there are `entriesMax` blocks, further ones are not tracked and nothing new is counted. */
  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  get entries(): number {
    return this.#table.size;
  }

  get bytes(): number {
    return this.#table.bytes;
  }

  /** An index has a block that it did not have. `followed` says that another block of the same chain comes after it. */
  add(low: number, high: number, followed: boolean): void {
    let entry = this.#table.find(low, high);
    if (entry === 0) {
      if (this.#isFull()) return;
      entry = this.#table.insert(low, high);
      if (followed) this.#table.fields[entry + SEEN] = 1;
    }
    this.#table.fields[entry + SEEN]! += HOLDER;
  }

  /** An index has lost the block. One that is not tracked (an answer, or what came when the table was full) is nothing to forget. */
  remove(low: number, high: number): void {
    const entry = this.#table.find(low, high);
    if (entry === 0) return;
    const seen = this.#table.fields[entry + SEEN]! - HOLDER;
    if (seen < HOLDER) this.#table.remove(entry);
    else this.#table.fields[entry + SEEN] = seen;
  }

  /** Counts where this prompt leaves what was seen before. Once a request, before an index records it. */
  record(chain: Chain, model: ModelKey): void {
    // In a full table a continuation that is not tracked would look new each time.
    if (this.#isFull()) return;
    const known = this.#table.leading(chain, model);
    if (known === 0 || known === chain.length) return;
    const last = this.#table.findBlock(chain, model, known - 1);
    const fields = this.#table.fields;
    if ((fields[last + SEEN]! & COUNT_MAX) < COUNT_MAX) fields[last + SEEN]!++;
  }

  /**
   * Fills in, for each block i < `upTo` of the chain, `branches[i]`: the largest count of it or a later one of these blocks, at least 1,
   * and `tokenEnds[i]`: tokens of the prompt up to its end, 0 where no engine has told.
   */
  read(chain: Chain, model: ModelKey, upTo: number, branches: Uint8Array, tokenEnds: Float64Array): void {
    let most = 1;
    for (let i = upTo - 1; i >= 0; i--) {
      // What is not tracked is entry 0, whose fields are 0.
      const entry = this.#table.findBlock(chain, model, i);
      const count = this.#table.fields[entry + SEEN]! & COUNT_MAX;
      if (count > most) most = count;
      branches[i] = most;
      tokenEnds[i] = this.#table.fields[entry + TOKENS_END]! / SIXTEENTHS;
    }
  }

  /** Keeps what an engine told about the blocks of a prompt. What is known already stays: it was told of a prompt that ended nearer. */
  noteTokenEnds(chain: Chain, model: ModelKey, tokenEnds: Float64Array): void {
    for (let i = 0; i < chain.length; i++) {
      const entry = this.#table.findBlock(chain, model, i);
      if (entry === 0) return;
      if (this.#table.fields[entry + TOKENS_END] === 0) this.#table.fields[entry + TOKENS_END] = Math.round(tokenEnds[i]! * SIXTEENTHS);
    }
  }

  /** Lets old fan-out fade: every count halves, never below 1. */
  halve(): void {
    const fields = this.#table.fields;
    // Unused entries are zero and stay so.
    for (let at = STRIDE + SEEN; at < fields.length; at += STRIDE) {
      const seen = fields[at]!;
      const count = seen & COUNT_MAX;
      if (count > 1) fields[at] = seen - count + (count >>> 1);
    }
  }

  #isFull(): boolean {
    return this.#table.size >= this.#entriesMax;
  }
}
