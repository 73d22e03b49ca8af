// block-keys.ts: the identity of a block's content: its tokens and everything before them, as vLLM chains its block hashes.

/** Mixes a text (adapter name, salt) into a 32-bit number, to start a chain with. */
export function hashText(text: string, seed = 0x811c9dc5): number {
  let hash = seed;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash | 0;
}

/**
 * One key for each full block of `tokens`. A key depends on `seed` (adapter and salt), the block's tokens and all blocks before it;
 * 53 bits, so that it is a plain number.
 */
export function blockKeys(tokens: Int32Array, blockTokens: number, seed: number): Float64Array {
  const keys = new Float64Array(Math.floor(tokens.length / blockTokens));
  let low = seed ^ 0x9e3779b9;
  let high = Math.imul(seed, 0x85ebca6b) ^ 0x27d4eb2f;
  for (let block = 0, at = 0; block < keys.length; block++) {
    for (const end = at + blockTokens; at < end; at++) {
      const token = tokens[at]!;
      low = Math.imul(low ^ token, 0x01000193);
      low ^= low >>> 15;
      high = Math.imul(high ^ (token + 0x165667b1), 0x5bd1e995);
      high ^= high >>> 13;
    }
    keys[block] = (low >>> 0) * 0x200000 + (high >>> 11);
  }
  return keys;
}
