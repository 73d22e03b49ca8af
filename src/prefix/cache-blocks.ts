// cache-blocks.ts: the blocks of one cache, with their ages and what room they take; prompts are no matter here.

import { AgeList } from './age-list.ts';
import { BlockTable, HIGH, LOW } from './block-table.ts';
import { type Ghost, Ghosts } from './ghosts.ts';
import { Recency } from './recency.ts';
import type { SharedBlocks } from './shared-blocks.ts';
import { blocksMax, SIXTEENTHS } from './size.ts';

// Fields of a block, after its hash; 2 and 3 are the list's.
/** Sixteenths of a token. */
const SIZE = 4;
/** PIN × unfinished requests dispatched with the block, plus flags. */
const STATE = 5;
/** Milliseconds modulo 2³²: ages are right up to 24 days. */
const CONFIRMED_AT = 6;
/** The stretch of use in which it was confirmed last; before that, in which it came. */
const BUCKET = 7;
const STRIDE = 8;

const CONFIRMED = 1;
/** Among those that may be evicted. A confirmed block that is not was spared: its turn came while a request had it in use. */
const LISTED = 2;
const ANSWER = 4;
/** It came when the shared table was full. Says nothing about the block itself: with no other flag, and no pin, it goes. */
const UNTRACKED = 8;
const PIN = 16;

/**
 * A least-recently-used set of blocks, bounded in tokens and in number. A block is named by its entry in the table, and is there while it is pinned or
 * confirmed. `settle` holds the bound, after any change; what is pinned is not evicted, and what was evicted last comes back when there is
 * room for it.
 */
export class CacheBlocks {
  readonly table = new BlockTable(STRIDE);
  /** Where evicted blocks are for a while. */
  readonly ghosts: Ghosts;
  readonly recency = new Recency();
  readonly #list = new AgeList(this.table);
  readonly #shared: SharedBlocks | undefined;
  readonly #holder: number;
  #capacity = 0;
  #blocksMax = 0;
  #size = 0;
  /** Of these, of blocks that are pinned. */
  #pinnedSize = 0;
  /** Of answers under way. */
  #growing = 0;
  /** The block to be evicted next when it was asked for last; 0 when its age may have changed. */
  #tail = 0;
  #tailConfirmedAt = 0;

  constructor(shared: SharedBlocks | undefined, holder: number) {
    this.#shared = shared;
    this.#holder = holder;
    this.ghosts = new Ghosts(this.recency, (low, high, flags) => this.#leaveShared(low, high, flags));
  }

  /** Sizes are in sixteenths of a token. */
  get capacity(): number {
    return this.#capacity;
  }

  set capacity(size: number) {
    this.#capacity = size;
    this.recency.setCapacity(size);
    this.#blocksMax = blocksMax(size / SIXTEENTHS);
    this.ghosts.setLimits(size, this.#blocksMax);
    this.settle();
  }

  /** Of all blocks, and of answers under way. */
  get size(): number {
    return this.#size + this.#growing;
  }

  /** When the block that is to be evicted next was confirmed, modulo 2³² ms; undefined when there is none. */
  get tailConfirmedAt(): number | undefined {
    const { oldest } = this.#list;
    if (oldest === 0) return undefined;
    // Asked of every endpoint for every request: the block itself is rarely in the processor's cache.
    if (oldest !== this.#tail) {
      this.#tail = oldest;
      this.#tailConfirmedAt = this.table.fields[oldest + CONFIRMED_AT]!;
    }
    return this.#tailConfirmedAt;
  }

  /** What no request that comes can have: of pinned blocks, and of answers under way. */
  get inUse(): number {
    return this.#pinnedSize + this.#growing;
  }

  sizeOf(block: number): number {
    return this.table.fields[block + SIZE]!;
  }

  bucketOf(block: number): number {
    return this.table.fields[block + BUCKET]!;
  }

  confirmedAt(block: number): number {
    return this.table.fields[block + CONFIRMED_AT]!;
  }

  /** Of entry 0, the absent block, nothing is true. */
  isConfirmed(block: number): boolean {
    return (this.table.fields[block + STATE]! & CONFIRMED) !== 0;
  }

  isListed(block: number): boolean {
    return (this.table.fields[block + STATE]! & LISTED) !== 0;
  }

  isPinned(block: number): boolean {
    return this.table.fields[block + STATE]! >= PIN;
  }

  /** Neither pinned nor confirmed yet. */
  insert(low: number, high: number, size: number): number {
    const isTracked = this.#shared?.add(low, high, this.#holder) ?? true;
    return this.#insert(low, high, size, isTracked ? 0 : UNTRACKED);
  }

  insertAnswer(low: number, high: number, size: number): number {
    return this.#insert(low, high, size, ANSWER);
  }

  pin(block: number): void {
    if (!this.isPinned(block)) this.#pinnedSize += this.sizeOf(block);
    this.table.fields[block + STATE]! += PIN;
  }

  /** Says whether the block is one that was spared and nobody has in use any more. */
  unpin(block: number): boolean {
    if (!this.isPinned(block)) return false;
    const state = (this.table.fields[block + STATE]! -= PIN) & ~UNTRACKED;
    if (!this.isPinned(block)) this.#pinnedSize -= this.sizeOf(block);
    if (state === 0) this.drop(block);
    return state === CONFIRMED;
  }

  /** Makes the block the youngest, or the next older one than `younger`. Its size may be known better than when it was inserted. */
  confirm(block: number, nowMs: number, size: number, younger = 0): void {
    const { fields } = this.table;
    if (this.isListed(block)) this.#list.unlink(block);
    if (!this.isConfirmed(block)) this.ghosts.lay(fields[block + LOW]!, fields[block + HIGH]!);
    fields[block + STATE]! |= CONFIRMED | LISTED;
    this.recency.leave(fields[block + BUCKET]!, fields[block + SIZE]!);
    this.#size += size - fields[block + SIZE]!;
    if (this.isPinned(block)) this.#pinnedSize += size - fields[block + SIZE]!;
    fields[block + SIZE] = size;
    fields[block + BUCKET] = this.recency.enter(size);
    fields[block + CONFIRMED_AT] = nowMs;
    this.#list.link(block, this.#list.olderThan(younger));
    if (block === this.#tail) this.#tail = 0;
  }

  /** It is no longer held. */
  drop(block: number): void {
    const { fields } = this.table;
    if (this.isListed(block)) this.#list.unlink(block);
    this.recency.leave(fields[block + BUCKET]!, fields[block + SIZE]!);
    this.#size -= fields[block + SIZE]!;
    this.#leaveShared(fields[block + LOW]!, fields[block + HIGH]!, fields[block + STATE]!);
    this.table.remove(block);
  }

  /** Answers under way take more room, or less. */
  grow(size: number): void {
    this.#growing += size;
    this.settle();
  }

  /** Evicts what is too much, and takes back what there is room for: a request was withdrawn, or is smaller than it was thought to be. */
  settle(): void {
    while ((this.size > this.#capacity || this.table.size > this.#blocksMax) && this.#list.oldest !== 0) this.#evict(this.#list.oldest);
    while (this.table.size < this.#blocksMax) {
      const ghost = this.ghosts.takeLast(this.#capacity - this.size);
      if (ghost === undefined) return;
      this.#restore(ghost);
    }
  }

  clear(): void {
    const { fields } = this.table;
    for (let block = STRIDE; block < fields.length; block += STRIDE) {
      if (fields[block + STATE] !== 0) this.#leaveShared(fields[block + LOW]!, fields[block + HIGH]!, fields[block + STATE]!);
    }
    this.table.clear();
    this.ghosts.clear();
    this.recency.clear();
    this.#size = 0;
    this.#pinnedSize = 0;
    this.#growing = 0;
    this.#tail = 0;
  }

  /** Tokens that were used after those of this bucket; what answers under way have grown to is younger than anything. */
  distanceTokens(bucket: number): number {
    return (this.recency.younger(bucket) + this.#growing) / SIXTEENTHS;
  }

  #insert(low: number, high: number, size: number, state: number): number {
    const block = this.table.insert(low, high);
    const { fields } = this.table;
    fields[block + SIZE] = size;
    fields[block + STATE] = state;
    fields[block + BUCKET] = this.recency.enter(size);
    this.#size += size;
    return block;
  }

  #evict(block: number): void {
    const { fields } = this.table;
    const size = fields[block + SIZE]!;
    const bucket = fields[block + BUCKET]!;
    this.#list.unlink(block);
    if (this.isPinned(block)) {
      fields[block + STATE]! -= LISTED;
      this.recency.leave(bucket, size);
      fields[block + BUCKET] = this.recency.enter(size);
      return;
    }
    const ghost = { low: fields[block + LOW]!, high: fields[block + HIGH]!, size, bucket, confirmedAt: fields[block + CONFIRMED_AT]!, flags: fields[block + STATE]! };
    this.#size -= size;
    this.table.remove(block);
    this.ghosts.add(ghost);
  }

  #restore({ low, high, size, bucket, confirmedAt, flags }: Ghost): void {
    let block = this.table.find(low, high);
    if (block === 0) {
      block = this.#insert(low, high, size, flags);
      this.recency.leave(this.bucketOf(block), size);
      this.table.fields[block + BUCKET] = bucket;
    } else {
      // Under way again, and counted for that.
      this.recency.leave(bucket, size);
      this.#leaveShared(low, high, flags);
      this.table.fields[block + STATE]! |= flags & ~UNTRACKED;
    }
    this.table.fields[block + CONFIRMED_AT] = confirmedAt;
    this.#list.link(block, 0);
    if (block === this.#tail) this.#tail = 0;
  }

  /** Neither the block nor its ghost is here any more. */
  #leaveShared(low: number, high: number, state: number): void {
    this.#shared?.remove(low, high, (state & UNTRACKED) === 0);
  }
}
