// prefix-index.ts: what one endpoint's KV cache probably holds, judged by the prompts that were sent there.

import { type Chain, commonBlocks, isAnswered, MESSAGE_END } from '../core/chain.ts';
import { CacheBlocks } from './cache-blocks.ts';
import type { ModelKey } from './model-key.ts';
import type { SharedBlocks } from './shared-blocks.ts';
import { sixteenths, SIXTEENTHS, sizeOf } from './size.ts';
import type { Stretch } from './stretch.ts';
import { touchBlocks } from './touch.ts';

/** So many times the blocks of a cache may be under way. Requests that wait in an engine have more than fit into its cache. */
const CROWD = 4;
/** A whole answer is a block too: these make its hash from that of its prompt's last block. */
const ANSWER_LOW = 0x61c88647;
const ANSWER_HIGH = 0x3c6ef372;

/** What one request has in use, from its dispatch to its end. */
export interface Hold {
  readonly chain: Chain;
  readonly model: ModelKey;
  readonly tokenEnds: ArrayLike<number>;
  readonly epoch: number;
  /** Its place among those of the index. */
  at: number;
  readonly dispatchedMs: number;
  /** The chain's blocks. In use, they stay where they are. */
  readonly blocks: number[];
  /** What was believed when it was dispatched: what the engine's report is compared with. */
  readonly stretches: readonly Stretch[];
  /** Tokens of an answer that stood right behind what was there; 0 when none did. */
  readonly answerTokens: number;
}

/**
 * A least-recently-used set of blocks, bounded in tokens and in number.
 *
 * A block is there while an unfinished request pins it or it is confirmed, and takes room from the start: engines serve in the order of
 * arrival, so what is dispatched evicts before the next prompt is looked up. What is pinned is not evicted. Where a request is
 * withdrawn, what it evicted comes back. A confirmed block is never older than those that follow it in a chain, and pins cover whole
 * chains, so the set is closed under prefixes: that makes the longest match a binary search.
 *
 * `record` gives a request its hold, for its other calls; `release` ends it, once. After `forget` what comes with an older hold does nothing.
 */
export class PrefixIndex {
  readonly #blocks: CacheBlocks;
  readonly #shared: SharedBlocks | undefined;
  /** Of requests under way. */
  #holds: Hold[] = [];
  #epoch = 0;

  /** `shared`, if any, hears of every block of a prompt that appears here and of every one that leaves for good, no ghost of it being left; `holder` is this index's number there. */
  constructor(capacityTokens: number, shared?: SharedBlocks, holder = 0) {
    this.#blocks = new CacheBlocks(shared, holder);
    this.#shared = shared;
    this.setCapacityTokens(capacityTokens);
  }

  get capacityTokens(): number {
    return this.#blocks.capacity / SIXTEENTHS;
  }

  /** More than the capacity only while all of them are in use. */
  get tokens(): number {
    return this.#blocks.size / SIXTEENTHS;
  }

  /** Of requests that are not over: what they were dispatched with, and what their answers have grown by. */
  get inUseTokens(): number {
    return this.#blocks.inUse / SIXTEENTHS;
  }

  /** Grows with each `forget`. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Blocks of prompts, provisional or confirmed, and answers. */
  get blocks(): number {
    return this.#blocks.count;
  }

  /** Memory. */
  get bytes(): number {
    return this.#blocks.table.bytes;
  }

  /** Whether there is memory for a request with so many blocks, which are not evicted while it is under way. A body of 16 KB can have 8,200 of them. */
  hasMemoryFor(blocks: number): boolean {
    return this.#blocks.count + blocks <= CROWD * this.#blocks.blocksMax;
  }

  /** Time since the block that is to be evicted next was confirmed; Infinity when there is none. */
  tailAgeMs(nowMs: number): number {
    const confirmedAt = this.#blocks.tailConfirmedAt;
    return confirmedAt === undefined ? Infinity : Math.max(0, (nowMs - confirmedAt) | 0);
  }

  /** How many leading blocks of the chain are there; `most` is how many there can be, and `guess` how many there may well be. */
  matchedBlocks(chain: Chain, model: ModelKey, most = chain.length, guess = most): number {
    return this.#blocks.leading(chain, model, most, guess);
  }

  /**
   * How many leading blocks of the chain are there that were confirmed then or later, or are in use by requests that were dispatched after `dispatchedMs`;
   * Infinity when that is all that is there, the answer behind them included.
   */
  confirmedSince(chain: Chain, model: ModelKey, sinceMs: number, dispatchedMs = Infinity): number {
    const blocks = this.#blocks;
    const there = blocks.leading(chain, model, chain.length, 0);
    let inUse = 0;
    for (const hold of this.#holds) if (hold.dispatchedMs > dispatchedMs && isSame(hold.model, model)) inUse = Math.max(inUse, commonBlocks(hold.chain, chain));
    for (let i = inUse; i < there; i++) if (!blocks.isConfirmedSince(blocks.findBlock(chain, model, i), sinceMs)) return i;
    const answer = this.#findAnswer(chain, model, there);
    return answer === 0 || blocks.isConfirmedSince(answer, sinceMs) ? Infinity : there;
  }

  /** Tokens of the assistant's message behind the first `matched` blocks, if this endpoint wrote it in answer to them; else 0. */
  answerTokens(chain: Chain, model: ModelKey, matched: number): number {
    const answer = this.#findAnswer(chain, model, matched);
    return answer === 0 ? 0 : this.#blocks.sizeOf(answer) / SIXTEENTHS;
  }

  /** What is believed of the chain's leading blocks, and of the answer behind them: in stretches that were used together, first block first. */
  survey(chain: Chain, model: ModelKey, tokenEnds: ArrayLike<number>): readonly Stretch[] {
    return this.#look(chain, model, tokenEnds, -Infinity).stretches;
  }

  /** A request was dispatched: pins its blocks, makes room for those that are new, and makes nothing younger. */
  record(chain: Chain, model: ModelKey, tokenEnds: ArrayLike<number>, dispatchedMs = -Infinity): Hold {
    const hold = this.#look(chain, model, tokenEnds, dispatchedMs);
    this.#holds.push(hold);
    const { blocks } = hold;
    const found = blocks.length;
    for (let i = 0; i < found; i++) this.#blocks.pin(this.#blocks.revived(blocks[i]!, sizeOf(tokenEnds, i)));
    touchBlocks(this.#blocks.table, this.#shared, chain, model, found);
    for (let i = found; i < chain.length; i++) {
      const block = this.#blocks.obtain(chain.hashes[2 * i]! ^ model.low, chain.hashes[2 * i + 1]! ^ model.high, sizeOf(tokenEnds, i));
      this.#blocks.pin(block);
      blocks.push(block);
    }
    this.#blocks.settle();
    return hold;
  }

  /** The endpoint computed this prompt, or used it again: all of it becomes young, its first block the youngest. `heldAtMs`: when it was held for certain, unless a later time was said before. */
  confirm({ chain, model, tokenEnds, blocks, epoch }: Hold, nowMs: number, heldAtMs = nowMs): void {
    if (epoch !== this.#epoch) return;
    for (let i = chain.length - 1; i >= 0; i--) {
      // An answer's content is in the blocks that follow, from now on.
      if (isAnswered(chain, i)) this.#blocks.drop(answerLow(chain, model, i), answerHigh(chain, model, i));
      const block = blocks[i]!;
      // What was confirmed in this millisecond may be said to have been held in the next one.
      const isYounger = this.#blocks.ageMs(block, nowMs + 1) < nowMs + 1 - heldAtMs;
      this.#blocks.confirm(block, isYounger ? this.#blocks.confirmedAt(block) : heldAtMs, sizeOf(tokenEnds, i));
    }
    this.#blocks.settle();
  }

  /** The request is over. What was not confirmed, and no other request pins, goes. */
  release(hold: Hold): void {
    const { blocks: held, epoch } = hold;
    if (epoch !== this.#epoch) return;
    this.#leave(hold);
    const blocks = this.#blocks;
    let spared = false;
    for (let i = 0; i < held.length; i++) spared = blocks.unpin(held[i]!) || spared;
    // Withdrawn, and some of its old blocks lost their places in the list: all of them take new ones, in their order.
    for (let i = spared ? held.length - 1 : -1; i >= 0; i--) {
      const block = held[i]!;
      if (blocks.isConfirmed(block)) blocks.confirm(block, blocks.confirmedAt(block), blocks.sizeOf(block));
    }
    blocks.settle();
  }

  /** The answer of a running request takes room as it grows, or no longer does. */
  grow(tokens: number, epoch: number): void {
    if (epoch === this.#epoch) this.#blocks.grow(Math.round(tokens * SIXTEENTHS));
  }

  /** The answer to this prompt is in the cache too, unless the end of the prompt was evicted already. */
  recordAnswer({ chain, model, blocks: held, epoch }: Hold, answerTokens: number, heldAtMs: number): void {
    if (epoch !== this.#epoch || chain.length === 0) return;
    const blocks = this.#blocks;
    const last = held[chain.length - 1]!;
    if (!blocks.isListed(last)) return;
    const answer = blocks.obtain(answerLow(chain, model, chain.length - 1), answerHigh(chain, model, chain.length - 1), sixteenths(answerTokens), true);
    blocks.confirm(answer, heldAtMs, blocks.sizeOf(answer), last);
    blocks.settle();
  }

  /** The endpoint has lost its cache. */
  forget(): void {
    this.#blocks.clear();
    this.#holds = [];
    this.#epoch++;
  }

  /** The endpoint has lost its cache, but for what was confirmed then or later: holds go on. */
  forgetBefore(sinceMs: number): void {
    this.#blocks.boundGhosts(0, 0);
    for (const block of this.#blocks.confirmedBefore(sinceMs)) this.#blocks.lose(block);
  }

  setCapacityTokens(capacityTokens: number): void {
    this.#blocks.capacity = capacityTokens * SIXTEENTHS;
  }

  /** The answer that stands right behind the first `blocks` blocks of the chain, or 0. */
  #findAnswer(chain: Chain, model: ModelKey, blocks: number): number {
    if (blocks === 0 || !isAnswered(chain, blocks - 1)) return 0;
    return this.#blocks.find(answerLow(chain, model, blocks - 1), answerHigh(chain, model, blocks - 1));
  }

  /** The last one takes its place: a set makes a table for every few that come and go, and each one keeps the next from the garbage collector. */
  #leave(hold: Hold): void {
    const last = this.#holds.pop()!;
    if (last === hold) return;
    this.#holds[hold.at] = last;
    last.at = hold.at;
  }

  /** The leading blocks that are there, or their ghosts are, and what is believed of them. */
  #look(chain: Chain, model: ModelKey, tokenEnds: ArrayLike<number>, dispatchedMs: number): Hold {
    const stretches: Stretch[] = [];
    const blocks: number[] = [];
    let block = 0;
    for (let i = 0; i < chain.length; i++) {
      block = this.#blocks.table.findBeside(block, chain, model, i);
      if (block === 0) break;
      blocks.push(block);
      this.#survey(stretches, block, tokenEnds[i]!, i > 0 && (chain.marks[i - 1]! & MESSAGE_END) === 0);
    }
    const { length } = blocks;
    const answer = this.#findAnswer(chain, model, length);
    const answerTokens = answer === 0 ? 0 : this.#blocks.sizeOf(answer) / SIXTEENTHS;
    if (answer !== 0) this.#survey(stretches, answer, tokenEnds[length - 1]! + answerTokens, false);
    return { chain, model, tokenEnds, epoch: this.#epoch, at: this.#holds.length, dispatchedMs, blocks, stretches, answerTokens };
  }

  #survey(stretches: Stretch[], block: number, tokensEnd: number, isInside: boolean): void {
    const blocks = this.#blocks;
    const kind = !blocks.isHeld(block) ? 'ghost' : !blocks.isPinned(block) ? 'idle' : blocks.isConfirmed(block) ? 'busy' : 'provisional';
    this.#extend(stretches, kind, blocks.bucketOf(block), kind === 'ghost' ? 0 : blocks.confirmedAt(block), tokensEnd, isInside);
  }

  /** `isInside`: the block that ends at `tokensEnd` begins inside a message. */
  #extend(stretches: Stretch[], kind: Stretch['kind'], bucket: number, confirmedAtMs: number, tokensEnd: number, isInside: boolean): void {
    const last = stretches.at(-1);
    if (last !== undefined && last.kind === kind && last.bucket === bucket) last.tokensEnd = tokensEnd;
    else stretches.push({ kind, bucket, distanceTokens: this.#blocks.distanceTokens(bucket), confirmedAtMs, doubtfulEnd: isInside ? tokensEnd : undefined, tokensEnd });
  }
}

function isSame(a: ModelKey, b: ModelKey): boolean {
  return a.low === b.low && a.high === b.high;
}

function answerLow(chain: Chain, model: ModelKey, i: number): number {
  return chain.hashes[2 * i]! ^ model.low ^ ANSWER_LOW;
}

function answerHigh(chain: Chain, model: ModelKey, i: number): number {
  return chain.hashes[2 * i + 1]! ^ model.high ^ ANSWER_HIGH;
}
