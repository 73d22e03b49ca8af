import { test } from 'tap';
import { type Hold, PrefixIndex } from '../../../src/prefix/prefix-index.ts';
import { modelKey } from '../../../src/prefix/model-key.ts';
import { messageEnd } from '../../../src/balance/uncached.ts';
import { chainOf, tokenEnds } from './conversation.ts';

const MODEL = modelKey('qwen');

function record(index: PrefixIndex, text: string): Hold {
  return index.record(chainOf(text), MODEL, tokenEnds(chainOf(text)));
}

/** A whole request: dispatched, confirmed, released. */
function serve(index: PrefixIndex, text: string, nowMs = 0): void {
  const hold = record(index, text);
  index.confirm(hold, nowMs);
  index.release(hold);
}

function answer(index: PrefixIndex, text: string, tokens: number): void {
  const hold = record(index, text);
  index.confirm(hold, 0);
  index.recordAnswer(hold, tokens, 0);
  index.release(hold);
}

function matched(index: PrefixIndex, text: string): number {
  return index.matchedBlocks(chainOf(text), MODEL);
}

function held(index: PrefixIndex, text: string): number {
  const blocks = matched(index, text);
  return index.answerTokens(chainOf(text), MODEL, blocks) === 0 ? blocks : messageEnd(chainOf(text), blocks);
}

test('an empty index matches nothing and has no tail', async (t) => {
  const index = new PrefixIndex(1_000);
  t.equal(matched(index, ''), 0);
  t.equal(matched(index, 'uU'), 0);
  t.equal(index.blocks, 0);
  t.equal(index.tokens, 0);
  t.equal(index.tailAgeMs(5), Infinity);
});

test('a dispatched prompt matches and takes room at once', async (t) => {
  const index = new PrefixIndex(1_000);
  const hold = record(index, 'uU');
  t.equal(matched(index, 'uUmM'), 2);
  t.equal(index.tokens, 20);
  index.confirm(hold, 0);
  t.equal(index.tokens, 20);
});

test('the same prompt for another model is another prompt', async (t) => {
  const index = new PrefixIndex(1_000);
  serve(index, 'uU');
  t.equal(index.matchedBlocks(chainOf('uU'), modelKey('llama')), 0);
});

test('a withdrawn prompt leaves what others pin or confirmed', async (t) => {
  const index = new PrefixIndex(1_000);
  serve(index, 'uU');
  const pinned = record(index, 'uUmM');
  const withdrawn = record(index, 'uUmMuU');
  index.release(withdrawn);
  t.equal(matched(index, 'uUmMuU'), 4);
  index.release(pinned);
  t.equal(matched(index, 'uUmMuU'), 2);
});

test('a full index evicts the oldest chain from its tail', async (t) => {
  const index = new PrefixIndex(48);
  serve(index, 'ua', 1);
  serve(index, 'ub', 2);
  t.equal(index.tokens, 32);
  serve(index, 'vc', 3);
  t.equal(index.tokens, 48);
  serve(index, 'wd', 4);
  t.equal(index.tokens, 48);
  t.equal(matched(index, 'ua'), 1, 'the older branch went first');
  t.equal(matched(index, 'ub'), 1, 'then the tail of the younger one; what they share stays');
  t.equal(matched(index, 'vc'), 2);
});

test('a prompt that is used again outlives one that is not', async (t) => {
  const index = new PrefixIndex(32);
  serve(index, 'ab');
  serve(index, 'cd');
  serve(index, 'ab');
  serve(index, 'ef');
  t.equal(matched(index, 'ab'), 2);
  t.equal(matched(index, 'cd'), 0);
});

test('a prompt longer than the capacity keeps its head', async (t) => {
  const index = new PrefixIndex(24);
  serve(index, 'abcdef');
  t.equal(matched(index, 'abcdef'), 3);
  t.equal(index.tokens, 24);
});

test('a smaller capacity evicts at once, a larger one makes room', async (t) => {
  const index = new PrefixIndex(32);
  serve(index, 'abcd');
  index.setCapacityTokens(16.5);
  t.equal(index.capacityTokens, 16.5);
  t.equal(matched(index, 'abcd'), 2);
  index.setCapacityTokens(32);
  serve(index, 'abcd');
  t.equal(matched(index, 'abcd'), 4);
});

test('sizes are rounded to sixteenths of a token, and no block is free', async (t) => {
  const index = new PrefixIndex(1_000);
  index.confirm(index.record(chainOf('M'), MODEL, [2.1]), 0);
  t.equal(index.tokens, 34 / 16, '2.1 tokens');
  index.confirm(index.record(chainOf('ab'), MODEL, [1e-5, 2e-5]), 0);
  t.equal(index.tokens, 36 / 16);
});

test('a block has the size that it was used with last', async (t) => {
  const index = new PrefixIndex(1_000);
  const ends = [8, 16, 24];
  const hold = index.record(chainOf('abc'), MODEL, ends);
  index.confirm(hold, 0);
  // The engine has counted.
  ends.splice(0, 3, 16, 30, 48);
  index.confirm(hold, 0);
  t.equal(index.tokens, 16 + 14 + 18);
  index.release(hold);
  index.setCapacityTokens(16);
  t.equal(index.tokens, 16);
});

test('the tail is as old as the last use of the block that is evicted next', async (t) => {
  const index = new PrefixIndex(1_000);
  serve(index, 'ab', 1_000);
  serve(index, 'cd', 3_000.5);
  t.equal(index.tailAgeMs(4_000), 3_000);
  serve(index, 'ab', 4_000);
  t.equal(index.tailAgeMs(4_000), 1_000);
});

test('ages stay right when the clock passes what 32 bits hold', async (t) => {
  const index = new PrefixIndex(1_000);
  serve(index, 'ab', 2 ** 32 - 10);
  t.equal(index.tailAgeMs(2 ** 32 + 20), 30);
});

test('a message that this endpoint wrote counts as held, whatever blocks it is cut into', async (t) => {
  const index = new PrefixIndex(1_000);
  answer(index, 'uU', 10);
  t.equal(index.tokens, 30);
  t.equal(held(index, 'uU'), 2);
  t.equal(held(index, 'uUM'), 3);
  t.equal(held(index, 'uUmmMuU'), 5);
  t.equal(held(index, 'uUmm'), 4);
  t.equal(held(index, 'uUuU'), 2, 'the next message is not the assistant’s');
});

test('a message after a prompt that was not answered here, or not matched whole, is not held', async (t) => {
  const index = new PrefixIndex(1_000);
  serve(index, 'uU');
  t.equal(held(index, 'uUmM'), 2);
  answer(index, 'vU', 10);
  t.equal(held(index, 'vWmM'), 1);
  t.equal(held(index, 'xUmM'), 0);
});

test('an answer that was sent back is no longer counted twice', async (t) => {
  const index = new PrefixIndex(1_000);
  answer(index, 'uU', 10);
  serve(index, 'uUmMu');
  t.equal(index.tokens, 16 + 4 + 32 + 1.75 + 16);
  t.equal(index.blocks, 5);
});

test('an answer leaves before its prompt, and is not kept without it', async (t) => {
  const index = new PrefixIndex(25);
  answer(index, 'uU', 6);
  t.equal(held(index, 'uUM'), 2);
  t.equal(index.tokens, 20);
  index.setCapacityTokens(18);
  answer(index, 'uU', 1);
  t.equal(index.tokens, 16);
});

test('a second answer to one prompt keeps the size of the first', async (t) => {
  const index = new PrefixIndex(1_000);
  answer(index, 'uU', 10);
  answer(index, 'uU', 500);
  t.equal(index.tokens, 30);
});

test('a stretch that begins inside a message says where its first block ends, one that begins with a message or answer does not', async (t) => {
  // A stretch of use is a 64th of the capacity: as much as one `u`, and a `U` goes with the block before it.
  const index = new PrefixIndex(64 * 16);
  answer(index, 'uuUuU', 20);
  const doubtfulEnds = index.survey(chainOf('uuUuUM'), MODEL, tokenEnds(chainOf('uuUuUM'))).map(({ tokensEnd, doubtfulEnd }) => [tokensEnd, doubtfulEnd]);
  t.strictSame(doubtfulEnds, [[16, undefined], [36, 32], [56, undefined], [76, undefined]]);
});

test('what belongs to a request from before a forget does nothing', async (t) => {
  const index = new PrefixIndex(1_000);
  serve(index, 'ab');
  const hold = record(index, 'uU');
  index.forget();
  t.equal(index.blocks, 0);
  t.equal(index.tailAgeMs(0), Infinity);
  const later = record(index, 'uU');
  index.confirm(hold, 0);
  index.recordAnswer(hold, 10, 0);
  index.release(hold);
  t.equal(index.tokens, 20);
  t.equal(matched(index, 'uU'), 2, 'the later request still pins it');
  index.release(later);
  t.equal(index.blocks, 0);
});

test('a long prompt that the engine refused leaves no memory behind', async (t) => {
  const index = new PrefixIndex(1_000);
  const { bytes } = index;
  const text = 'u'.repeat(16_384);
  const hold = record(index, text);
  t.ok(index.bytes > 10 * bytes);
  index.release(hold);
  t.equal(index.blocks, 0);
  t.equal(index.bytes, bytes);
  serve(index, 'uU');
  t.equal(index.blocks, 2);
});

test('a million small blocks cost less than 60 bytes each', async (t) => {
  const index = new PrefixIndex(Infinity);
  const length = 4_000;
  const ends = Array.from({ length }, (_, i) => i + 1);
  const marks = ends.map(() => 0);
  for (let chain = 0; chain < 250; chain++) {
    const hashes = ends.flatMap((_, i) => [Math.imul(chain * length + i, 0x2c1b3c6d), i]);
    index.confirm(index.record({ length, hashes, ends, marks }, MODEL, ends), 0);
  }
  t.equal(index.blocks, 1_000_000);
  t.ok(index.bytes / index.blocks < 60, String(index.bytes / index.blocks));
});
