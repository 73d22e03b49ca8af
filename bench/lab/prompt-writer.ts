// prompt-writer.ts: prompts without text, as router and engine see them: each cuts the same content its own way.

import { type Chain, FROM_ASSISTANT, MESSAGE_END } from '../../src/core/chain.ts';

/** Content that is the same wherever it has the same id. */
export interface Segment {
  readonly id: number;
  readonly tokens: number;
}

export type Role = 'system' | 'user' | 'assistant';

/** Tokens in one of the engine's blocks, as vLLM has them on GPUs. */
export const BLOCK_TOKENS = 16;

const STEP_MIN_BYTES = 96;
const STEP_MAX_BYTES = 4_096;
const STEP_SHIFT = 5;
const KEYS_MIN = 64;

/**
 * A conversation as it grows. Everything is appended to, so that what was taken from it stays true.
 *
 * The router's blocks end where the reader of bodies would cut; the engine's are of 16 tokens, whatever the messages.
 */
export class PromptWriter {
  readonly #bytesPerToken: number;
  #tokens = 0;
  #opening: number | undefined;
  #openingBlocks = 0;
  // The router's side.
  #length = 0;
  readonly #hashes: number[] = [];
  readonly #ends: number[] = [];
  readonly #marks: number[] = [];
  #position = 0;
  #due = STEP_MIN_BYTES;
  readonly #routed = new Lanes(0x1b873593);
  // The engine's side.
  #keys = new Float64Array(KEYS_MIN);
  readonly #computed = new Lanes(0x2545f491);

  constructor(bytesPerToken: number) {
    this.#bytesPerToken = bytesPerToken;
  }

  get tokens(): number {
    return this.#tokens;
  }

  /** What the first user message begins with; 0 before there is one. */
  get openingId(): number {
    return this.#opening ?? 0;
  }

  /** Router's blocks up to the end of the first user message. */
  get openingBlocks(): number {
    return this.#opening === undefined ? this.#length : this.#openingBlocks;
  }

  /** What was written so far. Role and content together have a message's tokens × the ratio, in bytes. */
  message(role: Role, segments: readonly Segment[]): this {
    const mark = role === 'assistant' ? FROM_ASSISTANT : 0;
    this.#routed.mix(role.length, mark, 0);
    this.#position += role.length;
    let skip = role.length;
    let left = -skip;
    for (const { tokens } of segments) left += this.#bytesOf(tokens);
    for (const { id, tokens } of segments) {
      const bytes = this.#bytesOf(tokens);
      left = this.#writeBytes(id, Math.min(skip, bytes), bytes, left, mark);
      skip = Math.max(0, skip - bytes);
      this.#writeTokens(id, tokens);
    }
    this.#boundary(mark | MESSAGE_END);
    if (role === 'user' && this.#opening === undefined) {
      this.#opening = segments[0]?.id ?? 0;
      this.#openingBlocks = this.#length;
    }
    return this;
  }

  chain(): Chain {
    return { length: this.#length, hashes: this.#hashes, ends: this.#ends, marks: this.#marks };
  }

  /** One key for each full block of the engine. */
  keys(): Float64Array {
    return this.#keys.subarray(0, Math.floor(this.#tokens / BLOCK_TOKENS));
  }

  #bytesOf(tokens: number): number {
    return Math.round(tokens * this.#bytesPerToken);
  }

  /** `left`: bytes of the message from here to its end. Returns what is left behind the segment. */
  #writeBytes(id: number, from: number, end: number, left: number, mark: number): number {
    let at = from;
    while (at < end) {
      const untilCut = Math.max(4, (this.#due - this.#position + 3) & ~3) - this.#uncut;
      // A boundary stands only where more of the message follows.
      const step = left > untilCut ? Math.min(untilCut, end - at) : end - at;
      this.#routed.mix(id, at, step);
      at += step;
      left -= step;
      this.#uncut += step;
      if (step === untilCut && left > 0) this.#boundary(mark);
    }
    return left;
  }

  /** Bytes since `#position`. */
  #uncut = 0;

  #boundary(mark: number): void {
    const at = this.#length;
    this.#position += this.#uncut;
    this.#uncut = 0;
    this.#routed.settle();
    this.#hashes[2 * at] = this.#routed.low;
    this.#hashes[2 * at + 1] = this.#routed.high;
    this.#ends[at] = this.#position;
    this.#marks[at] = mark;
    this.#length = at + 1;
    this.#due = this.#position + Math.min(STEP_MAX_BYTES, Math.max(STEP_MIN_BYTES, this.#position >> STEP_SHIFT));
  }

  #writeTokens(id: number, tokens: number): void {
    for (let at = 0; at < tokens; ) {
      const step = Math.min(tokens - at, BLOCK_TOKENS - (this.#tokens % BLOCK_TOKENS));
      this.#computed.mix(id, at, step);
      at += step;
      this.#tokens += step;
      if (this.#tokens % BLOCK_TOKENS === 0) this.#pushKey(this.#tokens / BLOCK_TOKENS - 1);
    }
  }

  #pushKey(at: number): void {
    if (at === this.#keys.length) this.#growKeys();
    this.#computed.settle();
    this.#keys[at] = this.#computed.key();
  }

  #growKeys(): void {
    const keys = new Float64Array(2 * this.#keys.length);
    keys.set(this.#keys);
    this.#keys = keys;
  }
}

/** 64 bits that depend on all that was mixed in. */
class Lanes {
  low: number;
  high: number;

  constructor(seed: number) {
    this.low = seed;
    this.high = ~seed;
  }

  mix(id: number, at: number, size: number): void {
    const upper = Math.floor(id / 0x1_0000_0000);
    let low = Math.imul(this.low ^ id, 0x9e3779b1);
    let high = Math.imul(this.high ^ (id + Math.imul(upper, 0x27d4eb2f)), 0x85ebca77);
    low = Math.imul(((low << 15) | (low >>> 17)) ^ at, 0x9e3779b1);
    high = Math.imul(((high << 13) | (high >>> 19)) ^ at, 0x85ebca77);
    low = Math.imul(((low << 15) | (low >>> 17)) ^ size, 0x9e3779b1);
    high = Math.imul(((high << 13) | (high >>> 19)) ^ size, 0x85ebca77);
    this.low = low;
    this.high = high;
  }

  settle(): void {
    this.low = avalanche(this.low ^ ((this.high << 16) | (this.high >>> 16)));
    this.high = avalanche(this.high ^ this.low);
  }

  /** 53 of the bits. */
  key(): number {
    return (this.low >>> 0) * 0x200000 + (this.high >>> 11);
  }
}

function avalanche(word: number): number {
  const mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  const more = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return more ^ (more >>> 16);
}
