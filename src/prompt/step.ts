// step.ts: how much of a prompt makes a block.

/**
 * Some 24 tokens: engines count in blocks of 16 or 32, so nearer than that hardly anything is predicted better. With 64 bytes a request of 2 KB costs 1.1
 * times as much processor time, and prompts of 4 KB are compared by 0.1 % of them better.
 */
const STEP_MIN_BYTES = 96;
const STEP_MAX_BYTES = 4_096;
/** A block is about this share of the prompt before it: a thirty-second. */
const STEP_SHIFT = 5;
/** Behind so many blocks messages share them. 32 MiB of text in long messages have no more. */
export const FINE_BLOCKS = 8_192;
/** Blocks then grow with the prompt without end, so that no body has more than 16,384, not even one of ten million pictures. */
const COARSE_SHARE = 512;

/** Counted bytes from a boundary at `position`, the end of the prompt's `blocks`-th block, to the place where the next one is due. */
export function stepBytes(position: number, blocks: number): number {
  if (blocks >= FINE_BLOCKS) return Math.max(STEP_MAX_BYTES, Math.floor(position / COARSE_SHARE));
  return position >= STEP_MAX_BYTES << STEP_SHIFT ? STEP_MAX_BYTES : Math.max(STEP_MIN_BYTES, position >> STEP_SHIFT);
}
