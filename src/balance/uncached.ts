// uncached.ts: how much of a prompt an endpoint holds, and what the rest costs.

import { type Chain, MESSAGE_END } from '../core/chain.ts';

/**
 * Role and content bytes of the prompt that are held when its first `held` blocks are.
 *
 * A match that ends inside a message ends, on average, half a block further on.
 */
export function heldBytes(chain: Chain, held: number): number {
  const bytes = held === 0 ? 0 : chain.ends[held - 1]!;
  return endsInsideMessage(chain, held) ? (bytes + chain.ends[held]!) / 2 : bytes;
}

/**
 * Writes `sums[i]`, for i up to and including the chain's length: tokens of block i and all later ones, each block counted
 * min(1, `endpoints` / its branches).
 *
 * What more conversations share than there are endpoints is needed everywhere, so computing it once more is an investment of many.
 */
export function discountedSums(chain: Chain, tokensPerByte: number, branches: Uint8Array, endpoints: number, sums: Float64Array): void {
  let sum = 0;
  sums[chain.length] = 0;
  for (let i = chain.length - 1; i >= 0; i--) {
    const start = i === 0 ? 0 : chain.ends[i - 1]!;
    sum += (chain.ends[i]! - start) * tokensPerByte * Math.min(1, endpoints / branches[i]!);
    sums[i] = sum;
  }
}

/** Discounted tokens that an endpoint lacks which holds the first `held` blocks. */
export function uncachedTokens(chain: Chain, sums: Float64Array, held: number): number {
  return endsInsideMessage(chain, held) ? (sums[held]! + sums[held + 1]!) / 2 : sums[held]!;
}

function endsInsideMessage(chain: Chain, held: number): boolean {
  return held > 0 && held < chain.length && (chain.marks[held - 1]! & MESSAGE_END) === 0;
}
