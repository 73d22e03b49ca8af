// cache-blocks.ts: the blocks of one cache, with their ages and what room they take; prompts are no matter here.

import { AgeList } from './age-list.ts';
import { HIGH, LOW } from './block-table.ts';
import { BUCKET, CONFIRMED, CONFIRMED_AT, GHOST, HeldBlocks, LISTED, PIN, SIZE, STATE, STRIDE, UNTRACKED } from './held-blocks.ts';
import { Recency } from './recency.ts';
import type { SharedBlocks } from './shared-blocks.ts';
import { blocksMax, SIXTEENTHS } from './size.ts';
import { touchOldest } from './touch.ts';

/** Of a ghost that a request under way computes again, what it goes back to when that is withdrawn. */
interface Before {
  readonly size: number;
  readonly bucket: number;
}

/**
 * A least-recently-used set of blocks, bounded in tokens and in number. `settle` holds the bound, after any change; what is pinned is not evicted. What was evicted stays a while as a ghost, as much of it as there is
 * capacity, and the last comes back when there is room for it.
 */
export class CacheBlocks extends HeldBlocks {
  readonly recency = new Recency();
  /** Ghosts in the order of their eviction, then what may be evicted, the youngest last. */
  readonly #list = new AgeList(this.table);
  /** To be evicted next; 0 when there is none. */
  #oldest = 0;
  readonly #before = new Map<number, Before>();
  readonly #shared: SharedBlocks | undefined;
  readonly #holder: number;
  #capacity = 0;
  #blocksMax = 0;
  #size = 0;
  /** Of these, of blocks that are pinned. */
  #pinnedSize = 0;
  /** Of answers under way. */
  #growing = 0;
  #ghosts = 0;
  #ghostsSize = 0;
  /** Ghosts that are pinned are both. */
  #count = 0;
  /** The block to be evicted next when it was asked for last; 0 when its age may have changed. */
  #tail = 0;
  #tailConfirmedAt = 0;

  constructor(shared: SharedBlocks | undefined, holder: number) {
    super();
    this.#shared = shared;
    this.#holder = holder;
  }

  /** Sizes are in sixteenths of a token. */
  get capacity(): number {
    return this.#capacity;
  }

  set capacity(size: number) {
    this.#capacity = size;
    this.recency.setCapacity(size);
    this.#blocksMax = blocksMax(size / SIXTEENTHS);
    this.boundGhosts();
    this.settle();
  }

  /** As many are there at most, but for those that are pinned. */
  get blocksMax(): number {
    return this.#blocksMax;
  }

  /** Of all blocks, and of answers under way. */
  get size(): number {
    return this.#size + this.#growing;
  }

  /** Blocks that are there. */
  get count(): number {
    return this.#count;
  }

  /** When the block that is to be evicted next was confirmed, modulo 2³² ms; undefined when there is none. */
  get tailConfirmedAt(): number | undefined {
    if (this.#oldest === 0) return undefined;
    // Asked of every endpoint for every request: the block itself is rarely in the processor's cache.
    if (this.#oldest !== this.#tail) {
      this.#tail = this.#oldest;
      this.#tailConfirmedAt = this.table.fields[this.#oldest + CONFIRMED_AT]!;
    }
    return this.#tailConfirmedAt;
  }

  /** What no request that comes can have: of pinned blocks, and of answers under way. */
  get inUse(): number {
    return this.#pinnedSize + this.#growing;
  }

  /** The block; when it is not there, a new one, which is to be pinned or confirmed. */
  obtain(low: number, high: number, size: number, isAnswer = false): number {
    let block = this.table.find(low, high);
    if (block !== 0) return this.revived(block, size);
    block = this.table.insert(low, high);
    // Of answers the shared table never hears, and forgets nothing when they go.
    const isTracked = isAnswer || (this.#shared?.add(low, high, this.#holder) ?? true);
    this.table.fields[block + STATE] = isTracked ? 0 : UNTRACKED;
    this.#come(block, size);
    return block;
  }

  /** The block, which is there; where it is but a ghost, it is to be pinned or confirmed. */
  revived(block: number, size: number): number {
    if (this.isHeld(block)) return block;
    this.#before.set(block, { size: this.sizeOf(block), bucket: this.bucketOf(block) });
    this.#come(block, size);
    return block;
  }

  pin(block: number): void {
    if (!this.isPinned(block)) this.#pinnedSize += this.sizeOf(block);
    this.table.fields[block + STATE]! += PIN;
  }

  /** Says whether the block is one that was spared and nobody has in use any more. */
  unpin(block: number): boolean {
    if (!this.isPinned(block)) return false;
    this.table.fields[block + STATE]! -= PIN;
    if (this.isPinned(block)) return false;
    this.#pinnedSize -= this.sizeOf(block);
    if (this.isConfirmed(block)) return !this.isListed(block);
    this.#leave(block);
    const before = this.#before.get(block);
    if (before === undefined) this.#remove(block);
    else {
      // A request that computed it again was withdrawn.
      this.table.fields[block + SIZE] = before.size;
      this.table.fields[block + BUCKET] = before.bucket;
      this.#before.delete(block);
    }
    return false;
  }

  /** Makes the block the youngest, or the next older one than `younger`. It was held at `heldAtMs`. Its size may be known better than when it came. */
  confirm(block: number, heldAtMs: number, size: number, younger = 0): void {
    if (this.isGhost(block)) this.#lay(block);
    else if (this.isListed(block)) this.#unlist(block);
    const { fields } = this.table;
    fields[block + STATE]! |= CONFIRMED | LISTED;
    this.recency.leave(fields[block + BUCKET]!, fields[block + SIZE]!);
    this.#size += size - fields[block + SIZE]!;
    if (this.isPinned(block)) this.#pinnedSize += size - fields[block + SIZE]!;
    fields[block + SIZE] = size;
    fields[block + BUCKET] = this.recency.enter(size);
    fields[block + CONFIRMED_AT] = heldAtMs;
    this.#list.link(block, this.#list.olderThan(younger));
    if (this.#list.youngerThan(block) === this.#oldest) this.#oldest = block;
    if (block === this.#tail) this.#tail = 0;
  }

  /** Neither it nor its ghost is there any more. Nobody may have it in use. */
  drop(low: number, high: number): void {
    const block = this.table.find(low, high);
    if (block === 0) return;
    if (!this.isGhost(block)) return this.lose(block);
    this.#lay(block);
    this.#remove(block);
  }

  /** It is not confirmed any more, so only there while it is pinned. */
  lose(block: number): void {
    if (this.isListed(block)) this.#unlist(block);
    this.table.fields[block + STATE]! &= ~(CONFIRMED | LISTED);
    if (this.isPinned(block)) return;
    this.#leave(block);
    this.#remove(block);
  }

  /** Answers under way take more room, or less. */
  grow(size: number): void {
    this.#growing += size;
    this.settle();
  }

  /** Evicts what is too much, and takes back what there is room for: a request was withdrawn, or is smaller than it was thought to be. */
  settle(): void {
    while ((this.size > this.#capacity || this.#count > this.#blocksMax) && this.#oldest !== 0) this.#evict(this.#oldest);
    this.boundGhosts();
    while (this.#ghosts > 0 && this.#count < this.#blocksMax) if (!this.#takeBack(this.#list.olderThan(this.#oldest))) return;
  }

  clear(): void {
    const { fields } = this.table;
    for (let block = STRIDE; block < fields.length; block += STRIDE) if (fields[block + STATE] !== 0) this.#leaveShared(block);
    this.table.clear();
    this.recency.clear();
    this.#before.clear();
    this.#oldest = 0;
    this.#size = 0;
    this.#pinnedSize = 0;
    this.#growing = 0;
    this.#ghosts = 0;
    this.#ghostsSize = 0;
    this.#count = 0;
    this.#tail = 0;
  }

  /** Tokens that were used after those of this bucket; what answers under way have grown to is younger than anything. */
  distanceTokens(bucket: number): number {
    return (this.recency.younger(bucket) + this.#growing) / SIXTEENTHS;
  }

  #come(block: number, size: number): void {
    this.table.fields[block + SIZE] = size;
    this.table.fields[block + BUCKET] = this.recency.enter(size);
    this.#size += size;
    this.#count += 1;
  }

  #evict(block: number): void {
    const { fields } = this.table;
    if (this.isPinned(block)) {
      this.#unlist(block);
      fields[block + STATE]! -= LISTED;
      this.recency.leave(fields[block + BUCKET]!, fields[block + SIZE]!);
      fields[block + BUCKET] = this.recency.enter(fields[block + SIZE]!);
      return;
    }
    // It stays where it is in the list, and in the recency.
    this.#oldest = this.#list.youngerThan(block);
    fields[block + STATE]! += GHOST - CONFIRMED - LISTED;
    this.#size -= fields[block + SIZE]!;
    this.#count -= 1;
    this.#ghostsSize += fields[block + SIZE]!;
    this.#ghosts += 1;
  }

  /** What was evicted last, if there is room. */
  #takeBack(ghost: number): boolean {
    const { fields } = this.table;
    const before = this.#before.get(ghost);
    const size = before?.size ?? fields[ghost + SIZE]!;
    if (size > this.#capacity - this.size) return false;
    this.#ghostsSize -= size;
    this.#ghosts -= 1;
    fields[ghost + STATE]! += CONFIRMED + LISTED - GHOST;
    this.#oldest = ghost;
    if (before === undefined) {
      this.#size += size;
      this.#count += 1;
    } else {
      // Under way again, and counted for that.
      this.recency.leave(before.bucket, size);
      this.#before.delete(ghost);
    }
    return true;
  }

  /** Only so many of them stay, the youngest. */
  boundGhosts(size = this.#capacity, count = this.#blocksMax): void {
    if (this.#ghostsSize > size) touchOldest(this.table, this.#shared, this.#list, this.#ghostsSize - size);
    while (this.#ghostsSize > size || this.#ghosts > count) {
      const ghost = this.#list.oldest;
      this.#lay(ghost);
      if (!this.isPinned(ghost)) this.#remove(ghost);
    }
  }

  /** It is no ghost any more, whatever else it is. */
  #lay(ghost: number): void {
    const { fields } = this.table;
    const before = this.#before.size === 0 ? undefined : this.#before.get(ghost);
    const size = before?.size ?? fields[ghost + SIZE]!;
    const bucket = before?.bucket ?? fields[ghost + BUCKET]!;
    if (before !== undefined) this.#before.delete(ghost);
    this.#list.unlink(ghost);
    this.recency.leave(bucket, size);
    fields[ghost + STATE]! -= GHOST;
    this.#ghostsSize -= size;
    this.#ghosts -= 1;
  }

  #unlist(block: number): void {
    if (block === this.#oldest) this.#oldest = this.#list.youngerThan(block);
    this.#list.unlink(block);
  }

  /** It takes no room any more. */
  #leave(block: number): void {
    this.recency.leave(this.bucketOf(block), this.sizeOf(block));
    this.#size -= this.sizeOf(block);
    this.#count -= 1;
  }

  #remove(block: number): void {
    this.#leaveShared(block);
    this.table.remove(block);
  }

  #leaveShared(block: number): void {
    const { fields } = this.table;
    this.#shared?.remove(fields[block + LOW]!, fields[block + HIGH]!, (fields[block + STATE]! & UNTRACKED) === 0);
  }
}
