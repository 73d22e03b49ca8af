import { test } from 'tap';
import { type Chain, MESSAGE_END } from '../../../src/core/chain.ts';
import { discountedSums, heldTokens, uncachedTokens } from '../../../src/balance/uncached.ts';

/** Two messages: 400 + 200, then 100 + 300 bytes. */
const CHAIN: Chain = {
  length: 4,
  hashes: [0, 0, 0, 0, 0, 0, 0, 0],
  ends: [400, 600, 700, 1_000],
  marks: [0, MESSAGE_END, 0, MESSAGE_END],
};
const TOKEN_ENDS = [100, 150, 175, 250];
const ONE_BRANCH = [1, 1, 1, 1];

function sums(branches: readonly number[], endpoints: number): Float64Array {
  const out = new Float64Array(CHAIN.length + 1).fill(-1);
  discountedSums(CHAIN, TOKEN_ENDS, branches, endpoints, out);
  return out;
}

test('a match that ends inside a message holds half of the next block', async (t) => {
  t.equal(heldTokens(CHAIN, TOKEN_ENDS, 0), 0, 'nothing matched is nothing held');
  t.equal(heldTokens(CHAIN, TOKEN_ENDS, 1), 125);
  t.equal(heldTokens(CHAIN, TOKEN_ENDS, 2), 150, 'a message’s end is where prompts differ');
  t.equal(heldTokens(CHAIN, TOKEN_ENDS, 3), 212.5);
  t.equal(heldTokens(CHAIN, TOKEN_ENDS, 4), 250);
});

test('a prompt cut inside a message and held whole holds no more than itself', async (t) => {
  t.equal(heldTokens({ ...CHAIN, length: 3 }, TOKEN_ENDS, 3), 175);
});

test('without branches every missing token counts', async (t) => {
  t.strictSame([...sums(ONE_BRANCH, 4)], [250, 150, 100, 75, 0]);
});

test('a block that goes on in more ways than there are endpoints counts by their ratio', async (t) => {
  // 100 × 4/8, 50 × 4/5, then one branch.
  t.strictSame([...sums([8, 5, 4, 1], 4)], [190, 140, 100, 75, 0]);
});

test('what an endpoint lacks begins where its match ends, half a block later inside a message', async (t) => {
  const all = sums(ONE_BRANCH, 4);
  t.strictSame([0, 1, 2, 3, 4].map((held) => uncachedTokens(CHAIN, all, held)), [250, 125, 100, 37.5, 0]);
});

test('held and missing make the prompt', async (t) => {
  const all = sums(ONE_BRANCH, 1);
  for (let held = 0; held <= 4; held++) t.equal(heldTokens(CHAIN, TOKEN_ENDS, held) + uncachedTokens(CHAIN, all, held), 250);
});
