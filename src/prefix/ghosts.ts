// ghosts.ts: blocks that a cache of the assumed size would have evicted a while ago. Where they turn out to be there, it is larger.

import type { Chain } from '../core/chain.ts';
import { AgeList } from './age-list.ts';
import { BlockTable, HIGH, LOW } from './block-table.ts';
import type { ModelKey } from './model-key.ts';
import type { Recency } from './recency.ts';

// Fields 2 and 3 are the list's.
const SIZE = 4;
const BUCKET = 5;
const CONFIRMED_AT = 6;
const FLAGS = 7;
const STRIDE = 8;

/** What there is to know of an evicted block. */
export interface Ghost {
  readonly low: number;
  readonly high: number;
  readonly size: number;
  readonly bucket: number;
  readonly confirmedAt: number;
  /** Its owner's. */
  readonly flags: number;
}

/** Evicted blocks in the order of their eviction, bounded in tokens and number. */
export class Ghosts {
  readonly #table = new BlockTable(STRIDE);
  readonly #list = new AgeList(this.#table);
  readonly #recency: Recency;
  readonly #onGone: (low: number, high: number, flags: number) => void;
  #tokensMax = 0;
  #blocksMax = 0;
  #tokens = 0;

  /**
   * `recency`: that which the blocks were counted in while they were held, and stay counted in. `onGone` hears of each that is no ghost any more,
   * but for those taken back.
   */
  constructor(recency: Recency, onGone: (low: number, high: number, flags: number) => void) {
    this.#recency = recency;
    this.#onGone = onGone;
  }

  get bytes(): number {
    return this.#table.bytes;
  }

  setLimits(tokens: number, blocks: number): void {
    this.#tokensMax = tokens;
    this.#blocksMax = blocks;
    this.#shrink();
  }

  /** A block was evicted. It must not be a ghost already. */
  add({ low, high, size, bucket, confirmedAt, flags }: Ghost): void {
    const ghost = this.#table.insert(low, high);
    const { fields } = this.#table;
    fields[ghost + SIZE] = size;
    fields[ghost + BUCKET] = bucket;
    fields[ghost + CONFIRMED_AT] = confirmedAt;
    fields[ghost + FLAGS] = flags;
    this.#list.link(ghost, this.#list.youngest);
    this.#tokens += size;
    this.#shrink();
  }

  /** The block is there again. */
  lay(low: number, high: number): void {
    const ghost = this.#table.find(low, high);
    if (ghost !== 0) this.#remove(ghost);
  }

  /** Takes back what was evicted last, if it is no larger than `sizeMax`. It stays counted in the recency. */
  takeLast(sizeMax: number): Ghost | undefined {
    const last = this.#list.youngest;
    const { fields } = this.#table;
    if (last === 0 || fields[last + SIZE]! > sizeMax) return undefined;
    const ghost = {
      low: fields[last + LOW]!,
      high: fields[last + HIGH]!,
      size: fields[last + SIZE]!,
      bucket: fields[last + BUCKET]!,
      confirmedAt: fields[last + CONFIRMED_AT]!,
      flags: fields[last + FLAGS]!,
    };
    this.#unlist(last);
    return ghost;
  }

  /** The stretch of use in which block i of the chain was used last; undefined when it is no ghost. */
  bucketOf(chain: Chain, model: ModelKey, i: number): number | undefined {
    const ghost = this.#table.findBlock(chain, model, i);
    return ghost === 0 ? undefined : this.#table.fields[ghost + BUCKET];
  }

  clear(): void {
    const { fields } = this.#table;
    for (let ghost = this.#list.oldest; ghost !== 0; ghost = this.#list.youngerThan(ghost)) this.#onGone(fields[ghost + LOW]!, fields[ghost + HIGH]!, fields[ghost + FLAGS]!);
    this.#table.clear();
    this.#tokens = 0;
  }

  #shrink(): void {
    while (this.#tokens > this.#tokensMax || this.#table.size > this.#blocksMax) this.#remove(this.#list.oldest);
  }

  #remove(ghost: number): void {
    const { fields } = this.#table;
    this.#recency.leave(fields[ghost + BUCKET]!, fields[ghost + SIZE]!);
    this.#onGone(fields[ghost + LOW]!, fields[ghost + HIGH]!, fields[ghost + FLAGS]!);
    this.#unlist(ghost);
  }

  #unlist(ghost: number): void {
    this.#list.unlink(ghost);
    this.#tokens -= this.#table.fields[ghost + SIZE]!;
    this.#table.remove(ghost);
  }
}
