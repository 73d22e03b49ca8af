// prefix-index.ts: what one endpoint's KV cache probably holds, judged by the prompts that were sent there.

import { type Chain, FROM_ASSISTANT, MESSAGE_END } from '../core/chain.ts';
import { BlockTable, HIGH, LOW } from './block-table.ts';
import { Ghosts } from './ghosts.ts';
import type { ModelKey } from './model-key.ts';
import { Recency } from './recency.ts';
import type { SharedBlocks } from './shared-blocks.ts';
import { sixteenths, SIXTEENTHS, sizeOf } from './size.ts';
import type { Stretch } from './stretch.ts';

// Fields of a block, after its hash. Entry 0 is the ends of the list: its OLDER is the youngest block, its YOUNGER the oldest.
const OLDER = 2;
const YOUNGER = 3;
/** Sixteenths of a token. */
const SIZE = 4;
/** PIN × unfinished requests dispatched with the block, plus CONFIRMED: without either the block goes. Plus UNTRACKED where it came when the shared table was full. */
const STATE = 5;
/** Milliseconds modulo 2³²: ages are right up to 24 days. */
const CONFIRMED_AT = 6;
/** The stretch of use in which it was confirmed last. */
const BUCKET = 7;
const STRIDE = 8;

const UNTRACKED = 1;
const CONFIRMED = 2;
const PIN = 4;

/** A whole answer is a block too: these make its hash from that of its prompt's last block. */
const ANSWER_LOW = 0x61c88647;
const ANSWER_HIGH = 0x3c6ef372;

/**
 * A least-recently-used set of blocks, bounded in tokens.
 *
 * A block is there while an unfinished request pins it (it is provisional) or it is confirmed. Only confirmed blocks count, age and
 * are evicted. A confirmed block is never older than those that follow it in a chain, and pins cover whole chains, so the set is
 * closed under prefixes: that makes the longest match a binary search.
 *
 * `record` opens a request's account and returns the epoch for its other calls; `release` closes it, once. After `forget` what comes
 * with an older epoch does nothing. The chain, and the model, of one request are the same in all calls.
 */
export class PrefixIndex {
  readonly #table = new BlockTable(STRIDE);
  readonly #shared: SharedBlocks | undefined;
  readonly #holder: number;
  readonly #recency = new Recency();
  readonly #ghosts = new Ghosts(this.#recency);
  #epoch = 0;
  #capacity: number;
  /** Of the block to be evicted next; undefined when that may have become another one. */
  #tailConfirmedAt: number | undefined;
  #confirmed = 0;

  /** `shared`, if any, hears of every block of a prompt that appears here and of every block that leaves; `holder` is this index's number there. */
  constructor(capacityTokens: number, shared?: SharedBlocks, holder = 0) {
    this.#shared = shared;
    this.#holder = holder;
    this.#capacity = 0;
    this.setCapacityTokens(capacityTokens);
  }

  get capacityTokens(): number {
    return this.#capacity / SIXTEENTHS;
  }

  get confirmedTokens(): number {
    return this.#confirmed / SIXTEENTHS;
  }

  /** Grows with each `forget`. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Blocks of prompts, provisional or confirmed, and answers. */
  get blocks(): number {
    return this.#table.size;
  }

  /** Memory. */
  get bytes(): number {
    return this.#table.bytes + this.#ghosts.bytes;
  }

  /** Time since the block that is to be evicted next was confirmed; Infinity when there is none. */
  tailAgeMs(nowMs: number): number {
    const oldest = this.#table.fields[YOUNGER]!;
    if (oldest === 0) return Infinity;
    // Asked of every endpoint for every request: the block itself is rarely in the processor's cache.
    this.#tailConfirmedAt ??= this.#table.fields[oldest + CONFIRMED_AT]!;
    return Math.max(0, (nowMs - this.#tailConfirmedAt) | 0);
  }

  /** How many leading blocks of the chain are there; `guess` is how many there may well be. */
  matchedBlocks(chain: Chain, model: ModelKey, guess = 0): number {
    return this.#table.leading(chain, model, guess);
  }

  /** Tokens of the assistant's message behind the first `matched` blocks, if this endpoint wrote it in answer to them; else 0. */
  answerTokens(chain: Chain, model: ModelKey, matched: number): number {
    if (matched === 0 || !isAnswered(chain, matched - 1)) return 0;
    const answer = this.#findAnswer(chain, model, matched - 1);
    return answer === 0 ? 0 : this.#table.fields[answer + SIZE]! / SIXTEENTHS;
  }

  /**
   * What is believed of the chain's leading blocks, and of the answer behind them: in stretches that were used together, first block
   * first. Taken before a request is recorded, it is what the engine's report is compared with.
   */
  survey(chain: Chain, model: ModelKey, tokenEnds: Float64Array): Stretch[] {
    const stretches: Stretch[] = [];
    let i = 0;
    for (; i < chain.length; i++) {
      const block = this.#table.findBlock(chain, model, i);
      const ghost = block === 0 ? this.#ghosts.bucketOf(chain, model, i) : undefined;
      if (block !== 0) this.#survey(stretches, block, tokenEnds[i]!);
      else if (ghost === undefined) break;
      else this.#extend(stretches, 'ghost', ghost, 0, tokenEnds[i]!);
    }
    const answer = i === 0 || !isAnswered(chain, i - 1) ? 0 : this.#findAnswer(chain, model, i - 1);
    if (answer !== 0) this.#survey(stretches, answer, tokenEnds[i - 1]! + this.#table.fields[answer + SIZE]! / SIXTEENTHS);
    return stretches;
  }

  /** A request was dispatched: pins its blocks. Evicts nothing and makes nothing younger. */
  record(chain: Chain, model: ModelKey, tokenEnds: Float64Array): number {
    for (let i = 0; i < chain.length; i++) {
      const block = this.#obtain(chain, model, i, tokenEnds);
      this.#table.fields[block + STATE]! += PIN;
    }
    return this.#epoch;
  }

  /** The endpoint computed this prompt, or used it again: all of it becomes young, its first block the youngest. */
  confirm(chain: Chain, model: ModelKey, tokenEnds: Float64Array, nowMs: number, epoch: number): void {
    if (epoch !== this.#epoch) return;
    for (let i = chain.length - 1; i >= 0; i--) {
      if (isAnswered(chain, i)) {
        // The answer's content is in the blocks that follow, from now on.
        const answer = this.#findAnswer(chain, model, i);
        if (answer !== 0) {
          this.#recency.leave(this.#table.fields[answer + BUCKET]!, this.#table.fields[answer + SIZE]!);
          this.#unconfirm(answer);
        }
      }
      const block = this.#obtain(chain, model, i, tokenEnds);
      this.#confirmBlock(block, nowMs, sizeOf(tokenEnds, i));
      this.#link(block, this.#table.fields[OLDER]!);
    }
    this.#evict();
  }

  /** The request is over. What was not confirmed, and no other request pins, goes. */
  release(chain: Chain, model: ModelKey, epoch: number): void {
    if (epoch !== this.#epoch) return;
    const fields = this.#table.fields;
    for (let i = chain.length - 1; i >= 0; i--) {
      const block = this.#table.findBlock(chain, model, i);
      if (fields[block + STATE]! < PIN) continue;
      fields[block + STATE]! -= PIN;
      if (fields[block + STATE]! < CONFIRMED) this.#drop(block);
    }
  }

  /** The answer to this prompt is in the cache too, unless the end of the prompt was evicted already. */
  recordAnswer(chain: Chain, model: ModelKey, answerTokens: number, nowMs: number, epoch: number): void {
    if (epoch !== this.#epoch || chain.length === 0) return;
    const last = this.#table.findBlock(chain, model, chain.length - 1);
    if ((this.#table.fields[last + STATE]! & CONFIRMED) === 0) return;
    let answer = this.#findAnswer(chain, model, chain.length - 1);
    if (answer === 0) {
      answer = this.#insert(this.#table.fields[last + LOW]! ^ ANSWER_LOW, this.#table.fields[last + HIGH]! ^ ANSWER_HIGH, sixteenths(answerTokens));
    }
    this.#confirmBlock(answer, nowMs, this.#table.fields[answer + SIZE]!);
    this.#link(answer, this.#table.fields[last + OLDER]!);
    this.#evict();
  }

  /** The endpoint has lost its cache. */
  forget(): void {
    if (this.#shared !== undefined) {
      const fields = this.#table.fields;
      for (let block = STRIDE; block < fields.length; block += STRIDE) {
        if (fields[block + STATE] !== 0) this.#shared.remove(fields[block + LOW]!, fields[block + HIGH]!, (fields[block + STATE]! & UNTRACKED) === 0);
      }
    }
    this.#table.clear();
    this.#ghosts.clear();
    this.#recency.clear();
    this.#confirmed = 0;
    this.#tailConfirmedAt = undefined;
    this.#epoch++;
  }

  setCapacityTokens(capacityTokens: number): void {
    this.#capacity = capacityTokens * SIXTEENTHS;
    this.#recency.setCapacity(this.#capacity);
    this.#ghosts.setTokensMax(this.#capacity);
    this.#evict();
  }

  /** The entry of the answer to the prompt that ends with block i, or 0. */
  #findAnswer(chain: Chain, model: ModelKey, i: number): number {
    return this.#table.find(chain.hashes[2 * i]! ^ model.low ^ ANSWER_LOW, chain.hashes[2 * i + 1]! ^ model.high ^ ANSWER_HIGH);
  }

  /** The block's entry; a new one is neither pinned nor confirmed yet. */
  #obtain(chain: Chain, model: ModelKey, i: number, tokenEnds: Float64Array): number {
    const low = chain.hashes[2 * i]! ^ model.low;
    const high = chain.hashes[2 * i + 1]! ^ model.high;
    const block = this.#table.find(low, high);
    if (block !== 0) return block;
    const isTracked = this.#shared?.add(low, high, this.#holder) ?? true;
    return this.#insert(low, high, sizeOf(tokenEnds, i), isTracked ? 0 : UNTRACKED);
  }

  #insert(low: number, high: number, size: number, state = 0): number {
    const block = this.#table.insert(low, high);
    this.#table.fields[block + SIZE] = size;
    this.#table.fields[block + STATE] = state;
    return block;
  }

  #survey(stretches: Stretch[], block: number, tokensEnd: number): void {
    const { fields } = this.#table;
    this.#extend(stretches, fields[block + STATE]! < PIN ? 'idle' : 'busy', fields[block + BUCKET]!, fields[block + CONFIRMED_AT]!, tokensEnd);
  }

  #extend(stretches: Stretch[], kind: Stretch['kind'], bucket: number, confirmedAtMs: number, tokensEnd: number): void {
    const last = stretches.at(-1);
    if (last !== undefined && last.kind === kind && last.bucket === bucket) last.tokensEnd = tokensEnd;
    else stretches.push({ kind, bucket, distanceTokens: this.#recency.younger(bucket) / SIXTEENTHS, confirmedAtMs, tokensEnd });
  }

  /** Leaves the block out of the list, for the caller to link where it belongs. Its size may be known better than when it was inserted. */
  #confirmBlock(block: number, nowMs: number, size: number): void {
    const fields = this.#table.fields;
    if ((fields[block + STATE]! & CONFIRMED) !== 0) {
      this.#unlink(block);
      this.#recency.leave(fields[block + BUCKET]!, fields[block + SIZE]!);
      this.#confirmed -= fields[block + SIZE]!;
    } else {
      fields[block + STATE]! |= CONFIRMED;
      this.#ghosts.lay(fields[block + LOW]!, fields[block + HIGH]!);
    }
    this.#confirmed += size;
    fields[block + SIZE] = size;
    fields[block + BUCKET] = this.#recency.enter(size);
    fields[block + CONFIRMED_AT] = nowMs;
  }

  #unconfirm(block: number): void {
    const fields = this.#table.fields;
    this.#unlink(block);
    this.#confirmed -= fields[block + SIZE]!;
    fields[block + STATE]! &= ~CONFIRMED;
    if (fields[block + STATE]! < CONFIRMED) this.#drop(block);
  }

  #evict(): void {
    while (this.#confirmed > this.#capacity) {
      const { fields } = this.#table;
      const oldest = fields[YOUNGER]!;
      this.#ghosts.add(fields[oldest + LOW]!, fields[oldest + HIGH]!, fields[oldest + SIZE]!, fields[oldest + BUCKET]!);
      this.#unconfirm(oldest);
    }
  }

  #drop(block: number): void {
    const fields = this.#table.fields;
    this.#shared?.remove(fields[block + LOW]!, fields[block + HIGH]!, (fields[block + STATE]! & UNTRACKED) === 0);
    this.#table.remove(block);
  }

  /** Makes the block just younger than `older`, which is 0 for the old end. */
  #link(block: number, older: number): void {
    const fields = this.#table.fields;
    const younger = fields[older + YOUNGER]!;
    fields[block + OLDER] = older;
    fields[block + YOUNGER] = younger;
    fields[older + YOUNGER] = block;
    fields[younger + OLDER] = block;
    if (older === 0) this.#tailConfirmedAt = undefined;
  }

  #unlink(block: number): void {
    const fields = this.#table.fields;
    const older = fields[block + OLDER]!;
    const younger = fields[block + YOUNGER]!;
    fields[older + YOUNGER] = younger;
    fields[younger + OLDER] = older;
    if (older === 0) this.#tailConfirmedAt = undefined;
  }
}

/** Whether block i ends a message that the assistant's follows. */
function isAnswered(chain: Chain, i: number): boolean {
  return i + 1 < chain.length && (chain.marks[i]! & MESSAGE_END) !== 0 && (chain.marks[i + 1]! & FROM_ASSISTANT) !== 0;
}
