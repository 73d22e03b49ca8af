// memories.ts: how other routers remember what they sent where. None of them hears of answers.

import { BLOCK_TOKENS } from '../prompt-writer.ts';
import type { LabFacts } from '../exchange.ts';
import { KeyTimes, RecentKeys } from './recent-keys.ts';
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

/** A least-recently-used list of the engine's blocks for each endpoint, a prompt's last block used first: what is held is a beginning. */
export function recentBlocks(blocksMax: number): Memory {
  const blocksFor = perPeer(() => new RecentKeys(blocksMax));
  return {
    matchedTokens: (facts, peers) => peers.map((peer) => {
      const blocks = blocksFor(peer.at);
      return BLOCK_TOKENS * boundary(blocksOf(facts, 1), (at) => blocks.has(keyAt(facts, at, 1)));
    }),
    sent(facts, peer) {
      const blocks = blocksFor(peer.at);
      for (let at = blocksOf(facts, 1) - 1; at >= 0; at--) blocks.use(keyAt(facts, at, 1));
    },
  };
}

/**
 * The same with blocks used in the order of the prompt, so that its first one is evicted first, and holes appear. The walk over a prompt stops
 * at the first block that *nobody* holds, and counts for each endpoint the blocks that it holds up to there.
 */
export function countedBlocks(engineBlocks: number, blocksMax: number): Memory {
  const blocksFor = perPeer(() => new RecentKeys(blocksMax));
  return {
    matchedTokens(facts, peers) {
      const held = peers.map((peer) => blocksFor(peer.at));
      const counts = peers.map(() => 0);
      const end = blocksOf(facts, engineBlocks);
      for (let at = 0, isHeld = true; at < end && isHeld; at++) {
        const key = keyAt(facts, at, engineBlocks);
        isHeld = false;
        for (let peer = 0; peer < held.length; peer++) {
          if (!held[peer]!.has(key)) continue;
          isHeld = true;
          counts[peer]! += 1;
        }
      }
      return counts.map((blocks) => blocks * engineBlocks * BLOCK_TOKENS);
    },
    sent(facts, peer) {
      const blocks = blocksFor(peer.at);
      const end = blocksOf(facts, engineBlocks);
      for (let at = 0; at < end; at++) blocks.use(keyAt(facts, at, engineBlocks));
    },
  };
}

/** Everything that was ever sent. */
export function allBlocks(engineBlocks: number): Memory {
  return blocksSentSince(engineBlocks, () => -Infinity, () => 0);
}

/** What was sent within the last `lifeS`. */
export function freshBlocks(lifeS: number, nowMs: () => number): Memory {
  return blocksSentSince(1, () => nowMs() - 1000 * lifeS, nowMs);
}

function blocksSentSince(engineBlocks: number, sinceMs: () => number, nowMs: () => number): Memory {
  const sentMsFor = perPeer(() => new KeyTimes());
  return {
    matchedTokens(facts, peers) {
      const since = sinceMs();
      const end = blocksOf(facts, engineBlocks);
      return peers.map((peer) => {
        const sentMs = sentMsFor(peer.at);
        return BLOCK_TOKENS * engineBlocks * boundary(end, (at) => sentMs.get(keyAt(facts, at, engineBlocks)) >= since);
      });
    },
    sent(facts, peer) {
      const sentMs = sentMsFor(peer.at);
      const now = nowMs();
      for (let at = blocksOf(facts, engineBlocks) - 1; at >= 0; at--) sentMs.note(keyAt(facts, at, engineBlocks), now);
    },
  };
}
