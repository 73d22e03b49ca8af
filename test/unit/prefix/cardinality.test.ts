// A million prefixes that come once, beside conversations that go on: the former cost bounded memory, the latter are found.

import { test } from 'tap';
import type { Chain } from '../../../src/core/chain.ts';
import { modelKey } from '../../../src/prefix/model-key.ts';
import { PrefixIndex } from '../../../src/prefix/prefix-index.ts';
import { SharedBlocks } from '../../../src/prefix/shared-blocks.ts';

const PREFIXES = 1_000_000;
const CAPACITY_TOKENS = 500_000;
const SHARED_BLOCKS_MAX = 100_000;
const HOT = 50;
const HOT_EVERY = 10;
/** Of an index with its ghosts, and of the shared table with its forks: a block costs up to 61 bytes in each form, and 47 and 36, right after a table has grown. */
const INDEX_BLOCK_BYTES_MAX = 61 + 61;
const SHARED_BLOCK_BYTES_MAX = 47 + 36;
const MODEL = modelKey('m');

/** A prompt that shares no block with those of other numbers. */
function chainOf(prompt: number, blocks: number, blockTokens: number): { chain: Chain; tokenEnds: number[] } {
  const hashes = Array.from({ length: 2 * blocks }, (_, i) => Math.imul(prompt * blocks + (i >> 1) + 1, i % 2 === 0 ? 0x9e3779b1 : 0x5f356495));
  const tokenEnds = Array.from({ length: blocks }, (_, i) => (i + 1) * blockTokens);
  return { chain: { length: blocks, hashes, ends: tokenEnds.map((end) => 4 * end), marks: tokenEnds.map(() => 0) }, tokenEnds };
}

interface Played {
  readonly hitRatio: number;
  readonly indexBytesMax: number;
  readonly sharedBytesMax: number;
}

/** Each prompt is served at once; every so often the next hot one is. `cold`: how many of the others there are. */
function play(cold: number, blocks: number, blockTokens: number): Played {
  const shared = new SharedBlocks(SHARED_BLOCKS_MAX);
  const index = new PrefixIndex(CAPACITY_TOKENS, shared);
  let nowMs = 0;
  const serve = (prompt: number, size: readonly [number, number]): number => {
    const { chain, tokenEnds } = chainOf(prompt, ...size);
    const matched = index.matchedBlocks(chain, MODEL) / chain.length;
    const hold = index.record(chain, MODEL, tokenEnds);
    index.confirm(hold, nowMs);
    shared.confirm(chain, MODEL);
    index.release(hold);
    nowMs += 1;
    return matched;
  };
  const hot = (turn: number): number => serve(2 ** 26 + (turn % HOT), [20, 150]);
  for (let i = 0; i < HOT; i += 1) hot(i);
  let hits = 0;
  let turns = 0;
  let [indexBytesMax, sharedBytesMax] = [0, 0];
  for (let i = 0; i < PREFIXES; i += 1) {
    if (i < cold) serve(i, [blocks, blockTokens]);
    if (i % HOT_EVERY === 0) hits += hot(turns++);
    indexBytesMax = Math.max(indexBytesMax, index.bytes);
    sharedBytesMax = Math.max(sharedBytesMax, shared.bytes);
  }
  return { hitRatio: hits / turns, indexBytesMax, sharedBytesMax };
}

/** A block for each 4 tokens of capacity. */
const BLOCKS_MAX = CAPACITY_TOKENS / 4;

test('a million prefixes stay within the memory of an index and of the shared table, and conversations in use are found as before', (t) => {
  const before = play(0, 1, 1);
  t.equal(before.hitRatio, 1);
  for (const [blocks, blockTokens] of [[2, 150], [4, 1 / 16]] as const) {
    const { hitRatio, indexBytesMax, sharedBytesMax } = play(PREFIXES, blocks, blockTokens);
    const name = `${blocks} blocks of ${blockTokens} tokens`;
    t.ok(hitRatio >= 0.95 * before.hitRatio, `${name}: hit ratio ${hitRatio}`);
    t.ok(indexBytesMax <= BLOCKS_MAX * INDEX_BLOCK_BYTES_MAX, `${name}: ${indexBytesMax} bytes of index`);
    t.ok(sharedBytesMax <= SHARED_BLOCKS_MAX * SHARED_BLOCK_BYTES_MAX, `${name}: ${sharedBytesMax} bytes of shared table`);
  }
  t.end();
});
