// size.ts: how large blocks are, in sixteenths of a token: integers, so that sums come back to exactly zero.

export const SIXTEENTHS = 16;

/** Nothing is free, so a capacity bounds the number of blocks as well. */
export function sixteenths(tokens: number): number {
  return Math.max(1, Math.round(tokens * SIXTEENTHS));
}

/** Of block i of a chain. */
export function sizeOf(tokenEnds: Float64Array, i: number): number {
  return sixteenths(tokenEnds[i]! - (i === 0 ? 0 : tokenEnds[i - 1]!));
}
