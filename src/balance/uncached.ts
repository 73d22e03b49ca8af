// uncached.ts: how much of a prompt an endpoint holds, and what the rest costs.

import { type Chain, MESSAGE_END } from '../core/chain.ts';

/**
 * Tokens of the prompt that are held when its first `held` blocks are. `tokenEnds[i]`: tokens up to the end of block i.
 *
 * A match that ends inside a message ends, on average, half a block further on.
 */
export function heldTokens(chain: Chain, tokenEnds: ArrayLike<number>, held: number): number {
  const tokens = held === 0 ? 0 : tokenEnds[held - 1]!;
  return endsInsideMessage(chain, held) ? (tokens + tokenEnds[held]!) / 2 : tokens;
}

/**
 * Writes `sums[i]`, for i up to and including the chain's length: tokens of block i and all later ones, each block counted
 * min(1, `endpoints` / its branches).
 *
 * What more conversations share than there are endpoints is needed everywhere, so computing it once more is an investment of many.
 */
export function discountedSums(chain: Chain, tokenEnds: ArrayLike<number>, branches: ArrayLike<number>, endpoints: number, sums: Float64Array): void {
  let sum = 0;
  sums[chain.length] = 0;
  for (let i = chain.length - 1; i >= 0; i--) {
    const start = i === 0 ? 0 : tokenEnds[i - 1]!;
    sum += (tokenEnds[i]! - start) * Math.min(1, endpoints / branches[i]!);
    sums[i] = sum;
  }
}

/** Discounted tokens that an endpoint lacks which holds the first `held` blocks. */
export function uncachedTokens(chain: Chain, sums: Float64Array, held: number): number {
  return endsInsideMessage(chain, held) ? (sums[held]! + sums[held + 1]!) / 2 : sums[held]!;
}

/** The blocks up to the end of the message that block `from` belongs to. */
export function messageEnd(chain: Chain, from: number): number {
  let end = from;
  while (end < chain.length && (chain.marks[end]! & MESSAGE_END) === 0) end++;
  return Math.min(end + 1, chain.length);
}

function endsInsideMessage(chain: Chain, held: number): boolean {
  return held > 0 && held < chain.length && (chain.marks[held - 1]! & MESSAGE_END) === 0;
}
