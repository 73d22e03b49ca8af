// memories.ts: how other routers remember what they sent where. None of them hears of answers.

import { BLOCK_TOKENS } from '../prompt-writer.ts';
import type { LabFacts } from '../exchange.ts';
import type { Memory } from './rival-router.ts';

/** The key of block `at` of a router whose blocks are `engineBlocks` of the engine's: keys are chained, so the last one says it all. */
function keyAt({ keys }: LabFacts, at: number, engineBlocks: number): number {
  return keys[(at + 1) * engineBlocks - 1]!;
}

function blocksOf(facts: LabFacts, engineBlocks: number): number {
  return Math.floor(facts.promptTokens / (BLOCK_TOKENS * engineBlocks));
}

/** The first place of [0, end) where `has` is false, when it is true only before that place. */
function boundary(end: number, has: (at: number) => boolean): number {
  let low = 0;
  let high = end;
  // The first block alone is the common miss.
  if (high === 0 || !has(0)) return 0;
  low = 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (has(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function perPeer<T>(create: () => T): (at: number) => T {
  const made: T[] = [];
  return (at) => (made[at] ??= create());
}

/**
 * A least-recently-used list of blocks for each endpoint. A prompt's blocks are used in the order of the prompt, so that its first block is
 * evicted first, unless `keepsHeads`.
 */
export function recentBlocks(engineBlocks: number, blocksMax: number, keepsHeads: boolean): Memory {
  const blocksFor = perPeer(() => new Set<number>());
  return {
    matchedTokens(facts, peer) {
      const blocks = blocksFor(peer.at);
      const end = blocksOf(facts, engineBlocks);
      let at = 0;
      if (keepsHeads) at = boundary(end, (place) => blocks.has(keyAt(facts, place, engineBlocks)));
      else while (at < end && blocks.has(keyAt(facts, at, engineBlocks))) at += 1;
      return at * engineBlocks * BLOCK_TOKENS;
    },
    sent(facts, peer) {
      const blocks = blocksFor(peer.at);
      const end = blocksOf(facts, engineBlocks);
      for (let at = 0; at < end; at++) {
        const key = keyAt(facts, keepsHeads ? end - 1 - at : at, engineBlocks);
        blocks.delete(key);
        blocks.add(key);
      }
      for (const oldest of blocks) {
        if (blocks.size <= blocksMax) break;
        blocks.delete(oldest);
      }
    },
  };
}

/** Everything that was ever sent. */
export function allBlocks(engineBlocks: number): Memory {
  const blocksFor = perPeer(() => new Set<number>());
  return {
    matchedTokens(facts, peer) {
      const blocks = blocksFor(peer.at);
      return boundary(blocksOf(facts, engineBlocks), (at) => blocks.has(keyAt(facts, at, engineBlocks))) * engineBlocks * BLOCK_TOKENS;
    },
    sent(facts, peer) {
      const blocks = blocksFor(peer.at);
      for (let at = blocksOf(facts, engineBlocks) - 1; at >= 0; at--) blocks.add(keyAt(facts, at, engineBlocks));
    },
  };
}

/** What was sent within the last `lifeS`. */
export function freshBlocks(lifeS: number, nowMs: () => number): Memory {
  const sentMsFor = perPeer(() => new Map<number, number>());
  return {
    matchedTokens(facts, peer) {
      const sentMs = sentMsFor(peer.at);
      const sinceMs = nowMs() - 1000 * lifeS;
      return boundary(blocksOf(facts, 1), (at) => (sentMs.get(keyAt(facts, at, 1)) ?? -Infinity) >= sinceMs) * BLOCK_TOKENS;
    },
    sent(facts, peer) {
      const sentMs = sentMsFor(peer.at);
      const now = nowMs();
      for (let at = blocksOf(facts, 1) - 1; at >= 0; at--) sentMs.set(keyAt(facts, at, 1), now);
    },
  };
}
