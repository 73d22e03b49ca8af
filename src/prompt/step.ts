// step.ts: how much of a prompt makes a block.

const STEP_MIN_BYTES = 64;
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
