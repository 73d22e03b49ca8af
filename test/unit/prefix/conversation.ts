// conversation.ts: chains written as short texts, so that a test shows which blocks two prompts share.

import { type Chain, FROM_ASSISTANT, MESSAGE_END } from '../../../src/core/chain.ts';

/** Bytes of the block that each letter stands for. At a quarter of a token a byte: 16, 4, 32 and 1.75 tokens. */
const BYTES: Readonly<Record<string, number>> = { u: 64, U: 16, m: 128, M: 7 };

const TOKENS_PER_BYTE = 0.25;

export function blockTokens(letter: string): number {
  return (BYTES[letter] ?? 32) * TOKENS_PER_BYTE;
}

/**
 * One letter a block: `u` and `m` are blocks of the user's and the model's messages, the capital ends its message. Other letters are
 * more blocks of the user's. Texts with a common prefix give chains with a common prefix.
 */
export function chainOf(text: string): Chain {
  const hashes: number[] = [];
  const ends: number[] = [];
  const marks: number[] = [];
  let low = 17;
  let high = 23;
  let end = 0;
  for (let i = 0; i < text.length; i++) {
    low = Math.imul(low, 31) + text.charCodeAt(i);
    high = Math.imul(high ^ text.charCodeAt(i), 0x01000193);
    hashes.push(low | 0, high);
    const letter = text.charAt(i);
    end += BYTES[letter] ?? 32;
    ends.push(end);
    marks.push((/[A-Z]/.test(letter) ? MESSAGE_END : 0) | (/[mM]/.test(letter) ? FROM_ASSISTANT : 0));
  }
  return { length: text.length, hashes, ends, marks };
}

/** Tokens up to the end of each block. */
export function tokenEnds(chain: Chain): number[] {
  return chain.ends.map((end) => end * TOKENS_PER_BYTE);
}
