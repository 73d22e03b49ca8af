// prefix-index-room.test.ts: what evicts what, while requests are under way.

import * as fc from 'fast-check';
import { test } from 'tap';
import { type Hold, PrefixIndex } from '../../../src/prefix/prefix-index.ts';
import { type ModelKey, modelKey } from '../../../src/prefix/model-key.ts';
import { chainOf, tokenEnds } from './conversation.ts';

const MODEL = modelKey('qwen');

function record(index: PrefixIndex, text: string): Hold {
  return index.record(chainOf(text), MODEL, tokenEnds(chainOf(text)));
}

/** A whole request: dispatched, confirmed, released. */
function serve(index: PrefixIndex, text: string, nowMs = 0, heldAtMs = nowMs): void {
  const hold = record(index, text);
  index.confirm(hold, nowMs, heldAtMs);
  index.release(hold);
}

function matched(index: PrefixIndex, text: string): number {
  return index.matchedBlocks(chainOf(text), MODEL);
}

test('a dispatched prompt evicts at once, and gives back what it evicted when it is withdrawn', async (t) => {
  const index = new PrefixIndex(40);
  serve(index, 'ab', 1);
  serve(index, 'cd', 2);
  const hold = record(index, 'efghijk');
  t.equal(matched(index, 'ab'), 0);
  t.equal(matched(index, 'cd'), 0);
  index.release(hold);
  t.equal(matched(index, 'ab'), 2);
  t.equal(matched(index, 'cd'), 2);
  t.equal(index.tailAgeMs(5), 4);
  serve(index, 'ef', 3);
  t.equal(matched(index, 'ab'), 1, 'and in the same order');
  t.equal(matched(index, 'cd'), 2);
});

test('what a running request has in use is not evicted, however old it is', async (t) => {
  const index = new PrefixIndex(32);
  serve(index, 'ab', 1);
  const hold = record(index, 'ab');
  index.confirm(hold, 2);
  serve(index, 'cd', 3);
  serve(index, 'ef', 4);
  t.equal(matched(index, 'ab'), 2);
  t.equal(matched(index, 'cd'), 0);
  index.release(hold);
  serve(index, 'gh', 5);
  serve(index, 'ij', 6);
  t.equal(matched(index, 'ab'), 0, 'once it is over, it is evicted as others are');
  t.equal(matched(index, 'gh'), 2);
});

test('what was due when a withdrawn request had it in use counts as used', async (t) => {
  const index = new PrefixIndex(32);
  serve(index, 'ab', 1);
  serve(index, 'cd', 2);
  const withdrawn = record(index, 'abx');
  t.equal(matched(index, 'ab'), 2);
  t.equal(matched(index, 'cd'), 1);
  index.release(withdrawn);
  t.equal(matched(index, 'cd'), 2);
  serve(index, 'ef', 3);
  t.equal(matched(index, 'ab'), 2);
  t.equal(matched(index, 'cd'), 0);
});

test('answers take room as they grow', async (t) => {
  const index = new PrefixIndex(40);
  serve(index, 'ab');
  serve(index, 'cd');
  index.grow(10, 0);
  t.equal(matched(index, 'ab'), 1);
  t.equal(index.tokens, 34);
  index.grow(-10, 0);
  t.equal(matched(index, 'ab'), 2);
  index.forget();
  index.grow(10, 0);
  t.equal(index.tokens, 0, 'from before a forget');
});

test('blocks of a time are those confirmed then or later', async (t) => {
  const index = new PrefixIndex(1_000);
  serve(index, 'abcd', 2 ** 31 - 5);
  serve(index, 'ab', 2 ** 31 + 5);
  record(index, 'abcdef');
  const since = (nowMs: number) => index.confirmedSince(chainOf('abcdef'), MODEL, nowMs);
  t.same([2 ** 31 - 5, 2 ** 31 - 4, 2 ** 31 + 5, 2 ** 31 + 6].map(since), [4, 2, 2, 0]);
  serve(index, 'abcd', 2 ** 31 + 7, 2 ** 31 + 3);
  t.same([2 ** 31 + 3, 2 ** 31 + 4, 2 ** 31 + 6].map(since), [4, 2, 0], 'nothing was confirmed earlier than it has been');
  serve(index, 'abcd', 2 ** 31 + 8, 2 ** 31 + 9);
  serve(index, 'abcd', 2 ** 31 + 8, 2 ** 31 + 4);
  t.equal(since(2 ** 31 + 9), 4, 'that it is certain from the next millisecond on included');
});

test('blocks that a request of later has in use count as confirmed then, while it is under way', async (t) => {
  const index = new PrefixIndex(1_000);
  serve(index, 'abcdef', 1_000);
  const dispatch = (text: string, model: ModelKey, nowMs: number) => index.record(chainOf(text), model, tokenEnds(chainOf(text)), nowMs);
  const hold = dispatch('abcx', MODEL, 2_000);
  dispatch('abcdex', modelKey('another'), 3_000);
  const since = (name: string, dispatchedMs: number) => index.confirmedSince(chainOf(name), MODEL, 1_001, dispatchedMs);
  t.same([since('abcdef', 1_999), since('abcdef', 2_000), since('ab', 1_999), since('abcx', 1_999)], [3, 0, Infinity, Infinity]);
  index.release(hold);
  t.equal(since('abcdef', 1_999), 0);
  dispatch('abcx', MODEL, 2_000);
  index.forget();
  serve(index, 'abcdef', 1_000);
  t.equal(since('abcdef', 1_999), 0, 'what was in use when the cache was lost is not');
});

test('in whatever order requests end, it is those under way that count', async () => {
  const step = fc.record({ text: fc.constantFrom('x', 'ax', 'abx', 'abcx', 'abcdx'), ending: fc.option(fc.nat(), { freq: 2 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
      const index = new PrefixIndex(1_000);
      serve(index, 'abcdef', 1_000);
      const underWay: { readonly common: number; readonly hold: Hold }[] = [];
      return steps.every(({ text, ending }) => {
        if (ending === null) underWay.push({ common: text.length - 1, hold: index.record(chainOf(text), MODEL, tokenEnds(chainOf(text)), 2_000) });
        else for (const { hold } of underWay.splice(ending % (underWay.length + 1), 1)) index.release(hold);
        return index.confirmedSince(chainOf('abcdef'), MODEL, 1_001, 1_999) === Math.max(0, ...underWay.map(({ common }) => common));
      });
    }),
  );
});

test('what was not used for weeks is as young as what is used now, once it is used again', async (t) => {
  const index = new PrefixIndex(1_000);
  serve(index, 'ab', 1_000);
  for (const days of [25, 60]) {
    const nowMs = days * 86_400_000;
    serve(index, 'ab', nowMs);
    t.equal(index.tailAgeMs(nowMs + 5), 5, `${days} days later`);
  }
});
