// size.ts: how large blocks are, in sixteenths of a token: integers, so that sums come back to exactly zero.

export const SIXTEENTHS = 16;

/** A block is mostly some hundred tokens, and with its template a message is hardly less than this. */
const TOKENS_PER_BLOCK_MIN = 4;
const BLOCKS_MAX_LEAST = 65_536;

/** How many blocks a cache of so many tokens is taken to have, at most: whoever sends smaller ones does not get more memory for it. */
export function blocksMax(capacityTokens: number): number {
  return Math.max(BLOCKS_MAX_LEAST, capacityTokens / TOKENS_PER_BLOCK_MIN);
}

/** Nothing is free. */
export function sixteenths(tokens: number): number {
  return Math.max(1, Math.round(tokens * SIXTEENTHS));
}

/** Of block i of a chain. */
export function sizeOf(tokenEnds: ArrayLike<number>, i: number): number {
  return sixteenths(tokenEnds[i]! - (i === 0 ? 0 : tokenEnds[i - 1]!));
}
