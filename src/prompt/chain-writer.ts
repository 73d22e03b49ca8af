// chain-writer.ts: cuts a canonical prompt into blocks while it is written, and hashes each onto the ones before.

import { FROM_ASSISTANT, MESSAGE_END } from '../core/chain.ts';
import type { Chain } from '../core/chain.ts';
import { BlockList } from './block-list.ts';
import { createStrongHash } from './hash.ts';
import type { StrongHash } from './hash.ts';
import { PIECE } from './piece.ts';
import type { PieceKind } from './piece.ts';
import { putShortAscii } from './short-ascii.ts';
import { FINE_BLOCKS, stepBytes } from './step.ts';

/** Small enough to stay in the second-level cache; no prompt, however large, and no block needs more. */
const WINDOW_BYTES = 65_536;
/** Opaque content from this length on is not worth the lanes' time, and shorter is not worth a native digest. */
const OPAQUE_STRONG_LENGTH = 4_096;
/** A native digest costs 1 to 3 µs whatever it covers, the lanes 0.5 ns a byte: one digest for so many bytes is not felt. */
const STRONG_EVERY_BYTES = 8_192;

/** Notes that a prompt begins with. */
export interface Noted {
  readonly low: number;
  readonly high: number;
}

/**
 * Writes one prompt at a time: `begin`, pieces and message ends, `finish`.
 *
 * Nothing it returns shares memory with it.
 */
export class ChainWriter {
  readonly #strong: StrongHash;
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #encoder = new TextEncoder();
  readonly #digest = new Int32Array(2);
  readonly #seed: Noted;
  /** The two lanes: all that was written so far. */
  #low = 0;
  #high = 0;
  /** Where the next byte goes in the window; where what the lanes have not seen begins; and what no strong digest has seen. */
  #at = 0;
  #folded = 0;
  #strongFrom = 0;
  #strongBytes = 0;
  /** Bytes of the piece that the lanes have seen since it began or was cut: blocks can be longer than the window. */
  #pending = 0;
  /** Counted bytes so far, and the position from which on a boundary is due. */
  #position = 0;
  #due = 0;
  #mark = 0;
  #isText = true;
  /** A message that is not cut off from what follows ended since the last boundary. */
  #isMessageOpen = false;
  readonly #blocks = new BlockList();

  constructor(secret: Uint8Array) {
    this.#strong = createStrongHash(secret, WINDOW_BYTES);
    this.#bytes = this.#strong.scratch;
    this.#words = new Int32Array(this.#bytes.buffer, this.#bytes.byteOffset, WINDOW_BYTES >> 2);
    this.#strong.add(0, 0);
    this.#seed = this.noted();
  }

  /** Blocks so far. */
  get blocks(): number {
    return this.#blocks.length;
  }

  /** Whether all that was counted so far is text, and nothing `opaque`. */
  get isText(): boolean {
    return this.#isText;
  }

  /** Forgets whatever was being written (an earlier prompt may have ended in an error) and goes on from these notes. */
  begin(noted = this.#seed): void {
    this.#low = noted.low;
    this.#high = noted.high;
    this.#at = 0;
    this.#folded = 0;
    this.#strongFrom = 0;
    if (this.#strongBytes > 0) this.#strong.clear();
    this.#strongBytes = 0;
    this.#position = 0;
    this.#due = stepBytes(0, 0);
    this.#mark = 0;
    this.#isText = true;
    this.#isMessageOpen = false;
    this.#blocks.clear();
  }

  /** Whether the model wrote the message that begins here. */
  fromAssistant(yes: boolean): void {
    this.#mark = yes ? FROM_ASSISTANT : 0;
  }

  /** Text that is part of the prompt: counted, and cut where it is long. */
  text(kind: PieceKind, text: string): void {
    this.#cutIfDue();
    for (let rest = text; ; ) {
      const read = this.#encode(rest);
      this.#cutLong(kind);
      if (read === rest.length) break;
      rest = rest.slice(read);
      this.#advance();
    }
    this.#position += this.#closePiece(kind);
  }

  /** Text that decides how the prompt is rendered and is no part of it: hashed, not counted, not cut. */
  note(kind: PieceKind, text: string): void {
    for (let rest = text; ; ) {
      const read = this.#encode(rest);
      if (read === rest.length) break;
      rest = rest.slice(read);
      this.#advance();
    }
    this.#closePiece(kind);
  }

  /** The notes since `begin`, for several prompts to begin with: long ones are hashed once. */
  noted(): Noted {
    this.#foldStrong();
    return { low: this.#low, high: this.#high };
  }

  /** Something that is known by its digest alone and counts as `countedBytes`, whatever its size. */
  opaque(kind: PieceKind, content: string, countedBytes: number): void {
    this.#cutIfDue();
    this.#position += countedBytes;
    this.#isText = false;
    if (content.length < OPAQUE_STRONG_LENGTH) {
      this.note(kind, content);
      return;
    }
    this.#foldStrong();
    let size = 0;
    for (let rest = content; ; ) {
      this.#at = 0;
      const read = this.#encode(rest);
      this.#strong.add(0, this.#at);
      size += this.#at;
      if (read === rest.length) break;
      rest = rest.slice(read);
    }
    this.#at = 0;
    this.#folded = 0;
    this.#strongFrom = 0;
    this.#foldStrong();
    this.#frame(kind, size);
  }

  /** Token ids, four bytes each. What is no number counts as one: the engine will refuse it. */
  tokens(ids: readonly unknown[]): void {
    for (let next = 0; next < ids.length; ) {
      const room = Math.min(ids.length - next, (WINDOW_BYTES - this.#at) >> 2);
      for (let i = 0; i < room; i += 1) {
        const id = ids[next + i];
        this.#words[(this.#at >> 2) + i] = typeof id === 'number' ? id : -1;
      }
      next += room;
      this.#at += 4 * room;
      this.#cutLong(PIECE.tokens);
      if (next < ids.length) this.#advance();
    }
    this.#position += this.#closePiece(PIECE.tokens);
  }

  /** A name from a known list: counted like text, hashed as its number. */
  code(kind: PieceKind, code: number, countedBytes: number): void {
    this.#position += countedBytes;
    this.#frame(kind, code);
  }

  /** Ends the message, and with it a block, unless there are too many of them. */
  endMessage(): void {
    this.#frame(PIECE.end, 0);
    if (this.#blocks.length < FINE_BLOCKS || this.#position >= this.#due) this.#boundary(this.#mark | MESSAGE_END);
    else this.#isMessageOpen = true;
    this.#mark = 0;
  }

  /** The last block ends with the prompt. */
  finish(): Chain {
    if (this.#isMessageOpen) this.#boundary(MESSAGE_END);
    return this.#blocks.take();
  }

  /** Appends what fits and returns how much of the string that was. */
  #encode(text: string): number {
    if (putShortAscii(text, this.#bytes, this.#at)) {
      this.#at += text.length;
      return text.length;
    }
    const { read, written } = this.#encoder.encodeInto(text, this.#bytes.subarray(this.#at));
    this.#at += written;
    return read;
  }

  /** Makes room: what is whole words is folded, whether or not a boundary is due there, and goes. */
  #advance(): void {
    const size = (this.#at - this.#folded) & ~3;
    this.#fold(size);
    this.#pending += size;
    if (this.#strongFrom < this.#folded) this.#strong.add(this.#strongFrom, this.#folded);
    this.#strongBytes += this.#folded - this.#strongFrom;
    this.#bytes.copyWithin(0, this.#folded, this.#at);
    this.#at -= this.#folded;
    this.#folded = 0;
    this.#strongFrom = 0;
  }

  /** What ends a piece at or beyond the place where a boundary is due (media jump over it) has that boundary before the next piece. */
  #cutIfDue(): void {
    if (this.#position >= this.#due) this.#boundary(this.#mark);
  }

  /** Cuts where a boundary is due and more follows. What is left is at most one block. */
  #cutLong(kind: PieceKind): void {
    for (;;) {
      const size = Math.max(4, (this.#due - this.#position + 3) & ~3);
      if (this.#pending + this.#at - this.#folded <= size) return;
      this.#fold(size - this.#pending);
      this.#pending = 0;
      this.#position += size;
      this.#frame(kind, size);
      this.#boundary(this.#mark);
    }
  }

  /** Pads to whole words and says what it was and how long: behind the content, so that what follows cannot change its hash. Returns how long. */
  #closePiece(kind: PieceKind): number {
    const size = this.#pending + this.#at - this.#folded;
    this.#pending = 0;
    while ((this.#at & 3) !== 0) {
      this.#bytes[this.#at] = 0;
      this.#at += 1;
    }
    this.#fold(this.#at - this.#folded);
    this.#frame(kind, size);
    return size;
  }

  #fold(size: number): void {
    const words = this.#words;
    const to = (this.#folded + size) >> 2;
    let low = this.#low;
    let high = this.#high;
    for (let i = this.#folded >> 2; i < to; i += 1) {
      const word = words[i] as number;
      low = Math.imul(low ^ word, 0x9e3779b1);
      low = (low << 15) | (low >>> 17);
      high = Math.imul(high ^ word, 0x85ebca77);
      high = (high << 13) | (high >>> 19);
    }
    this.#low = low;
    this.#high = high;
    this.#folded += size;
  }

  #frame(kind: PieceKind, size: number): void {
    this.#mix(kind);
    this.#mix(size);
  }

  #mix(word: number): void {
    const low = Math.imul(this.#low ^ word, 0x9e3779b1);
    const high = Math.imul(this.#high ^ word, 0x85ebca77);
    this.#low = (low << 15) | (low >>> 17);
    this.#high = (high << 13) | (high >>> 19);
  }

  #foldStrong(): void {
    if (this.#strongFrom < this.#folded) this.#strong.add(this.#strongFrom, this.#folded);
    this.#strong.digest(this.#digest);
    this.#low ^= this.#digest[0] as number;
    this.#high ^= this.#digest[1] as number;
    this.#strongFrom = this.#folded;
    this.#strongBytes = 0;
  }

  /** One-to-one on the 64 bits of the lanes, so it adds no collision; each bit of them reaches each bit of the hash. */
  #boundary(mark: number): void {
    if (this.#strongBytes + this.#folded - this.#strongFrom >= STRONG_EVERY_BYTES) this.#foldStrong();
    this.#low = avalanche(this.#low ^ ((this.#high << 16) | (this.#high >>> 16)));
    this.#high = avalanche(this.#high ^ this.#low);
    // Whose block it is can be said of one message alone.
    this.#blocks.push(this.#low, this.#high, this.#position, this.#isMessageOpen ? mark & MESSAGE_END : mark);
    this.#isMessageOpen = false;
    this.#due = this.#position + stepBytes(this.#position, this.#blocks.length);
  }
}

function avalanche(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
