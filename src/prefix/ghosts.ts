// ghosts.ts: blocks that a cache of the assumed size would have evicted a while ago. Where they turn out to be there, it is larger.

import type { Chain } from '../core/chain.ts';
import { BlockTable } from './block-table.ts';
import type { ModelKey } from './model-key.ts';
import type { Recency } from './recency.ts';

const OLDER = 2;
const YOUNGER = 3;
const SIZE = 4;
const BUCKET = 5;
const STRIDE = 6;

/** Evicted blocks in the order of their eviction, bounded in tokens. Entry 0 is the ends of the list. */
export class Ghosts {
  readonly #table = new BlockTable(STRIDE);
  readonly #recency: Recency;
  #tokensMax = 0;
  #tokens = 0;

  /** The recency that the blocks were counted in while they were held, and stay counted in. */
  constructor(recency: Recency) {
    this.#recency = recency;
  }

  get bytes(): number {
    return this.#table.bytes;
  }

  setTokensMax(tokens: number): void {
    this.#tokensMax = tokens;
    this.#shrink();
  }

  /** A block was evicted. It must not be a ghost already. */
  add(low: number, high: number, size: number, bucket: number): void {
    const ghost = this.#table.insert(low, high);
    const { fields } = this.#table;
    const youngest = fields[OLDER]!;
    fields[ghost + OLDER] = youngest;
    fields[ghost + YOUNGER] = 0;
    fields[ghost + SIZE] = size;
    fields[ghost + BUCKET] = bucket;
    fields[youngest + YOUNGER] = ghost;
    fields[OLDER] = ghost;
    this.#tokens += size;
    this.#shrink();
  }

  /** The block is there again. */
  lay(low: number, high: number): void {
    const ghost = this.#table.find(low, high);
    if (ghost !== 0) this.#remove(ghost);
  }

  /** The stretch of use in which block i of the chain was used last; undefined when it is no ghost. */
  bucketOf(chain: Chain, model: ModelKey, i: number): number | undefined {
    const ghost = this.#table.findBlock(chain, model, i);
    return ghost === 0 ? undefined : this.#table.fields[ghost + BUCKET];
  }

  clear(): void {
    this.#table.clear();
    this.#tokens = 0;
  }

  #shrink(): void {
    while (this.#tokens > this.#tokensMax) this.#remove(this.#table.fields[YOUNGER]!);
  }

  #remove(ghost: number): void {
    const { fields } = this.#table;
    const older = fields[ghost + OLDER]!;
    const younger = fields[ghost + YOUNGER]!;
    fields[older + YOUNGER] = younger;
    fields[younger + OLDER] = older;
    this.#tokens -= fields[ghost + SIZE]!;
    this.#recency.leave(fields[ghost + BUCKET]!, fields[ghost + SIZE]!);
    this.#table.remove(ghost);
  }
}
