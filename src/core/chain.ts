// chain.ts: a canonical prompt cut into blocks, the thing that prefixes are compared by.

/** The block is the last one of its message: conversations diverge here. */
export const MESSAGE_END = 1;
/** The block belongs to a message that the model wrote. */
export const FROM_ASSISTANT = 2;

/**
 * One prompt as parallel arrays, one entry a block, first block first.
 *
 * Two prompts with a common prefix have equal entries up to the block in which they diverge. The model's name is not in it: the
 * prefix index adds that at look-up.
 */
export interface Chain {
  /** How many blocks. The arrays may be longer. */
  readonly length: number;
  /** 64-bit hash of the canonical prompt up to the end of block i: low word at 2i, high word at 2i + 1. */
  readonly hashes: readonly number[];
  /** Role and content bytes up to the end of block i. Framing is not counted. */
  readonly ends: readonly number[];
  /** `MESSAGE_END | FROM_ASSISTANT` of block i. */
  readonly marks: readonly number[];
}

/** Role and content bytes of the whole prompt. */
export function chainBytes(chain: Chain): number {
  return chain.length === 0 ? 0 : (chain.ends[chain.length - 1] ?? 0);
}

/** Whether block i ends a message that the assistant's follows. */
export function isAnswered({ length, marks }: Chain, i: number): boolean {
  return i + 1 < length && (marks[i]! & MESSAGE_END) !== 0 && (marks[i + 1]! & FROM_ASSISTANT) !== 0;
}

/** How many leading blocks both have: a hash covers all before it, so where two are equal the chains are equal up to there. */
export function commonBlocks(a: Chain, b: Chain): number {
  let common = 0;
  let end = Math.min(a.length, b.length);
  while (common < end) {
    const middle = (common + end) >>> 1;
    if (a.hashes[2 * middle] === b.hashes[2 * middle] && a.hashes[2 * middle + 1] === b.hashes[2 * middle + 1]) common = middle + 1;
    else end = middle;
  }
  return common;
}
