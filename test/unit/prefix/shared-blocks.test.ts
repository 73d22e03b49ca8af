import * as fc from 'fast-check';
import { test } from 'tap';
import { SharedBlocks } from '../../../src/prefix/shared-blocks.ts';
import { modelKey } from '../../../src/prefix/model-key.ts';
import { type Hold, PrefixIndex } from '../../../src/prefix/prefix-index.ts';
import { chainOf, tokenEnds } from './conversation.ts';
import { prefixes } from './naive-index.ts';

const MODEL = modelKey('qwen');

/** A request up to its first token; it stays in flight. */
function dispatch(branches: SharedBlocks, index: PrefixIndex, text: string): Hold {
  const hold = index.record(chainOf(text), MODEL, tokenEnds(chainOf(text)));
  branches.confirm(chainOf(text), MODEL);
  return hold;
}

function after(branches: SharedBlocks, text: string): number[] {
  const out = Array.from(text, () => 1);
  const trail = branches.follow(chainOf(text), MODEL);
  branches.readBranches(trail, trail.length, out);
  return out;
}

function endsOf(shared: SharedBlocks, text: string): number[] {
  const trail = shared.follow(chainOf(text), MODEL);
  return [...text].map((_, i) => (i < trail.length ? shared.tokensEnd(trail, i) : 0));
}

test('a block has as many branches as there were ways on, and a block before it at least as many', async () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[ab]{1,4}[a-f]{0,3}$/), { minLength: 1, maxLength: 30 }), (texts) => {
      const branches = new SharedBlocks(1_000);
      const indexes = [new PrefixIndex(0, branches), new PrefixIndex(0, branches)];
      texts.forEach((text, i) => dispatch(branches, indexes[i % 2]!, text));
      const seen = new Set(texts.flatMap(prefixes));
      const waysOn = (name: string): number => [...seen].filter((other) => other.slice(0, -1) === name).length;
      return texts.every((text) => {
        const own = prefixes(text).map((name) => Math.max(1, waysOn(name)));
        const expected = own.map((_, i) => Math.max(...own.slice(i)));
        return String(after(branches, text)) === String(expected);
      });
    }),
    { numRuns: 300 },
  );
});

test('what nobody sent has one branch', async (t) => {
  const branches = new SharedBlocks(1_000);
  t.strictSame(after(branches, 'abc'), [1, 1, 1]);
  const index = new PrefixIndex(0, branches);
  for (const end of 'xyz') dispatch(branches, index, `a${end}`);
  t.strictSame(after(branches, 'aqrs'), [3, 1, 1, 1]);
});

test('the tokens up to a block are known once an engine has told, until its last holder loses it', async (t) => {
  const shared = new SharedBlocks(1_000);
  const index = new PrefixIndex(0, shared);
  const hold = dispatch(shared, index, 'abc');
  t.strictSame(endsOf(shared, 'abcd'), [0, 0, 0, 0]);
  shared.confirm(chainOf('abc'), MODEL, [10, 20, 30.5]);
  shared.confirm(chainOf('abd'), MODEL, [11, 21, 31]);
  t.strictSame(endsOf(shared, 'abcd'), [10, 20, 30.5, 0], 'the first to tell is believed, and what nobody holds is not kept');
  index.release(hold);
  t.strictSame(endsOf(shared, 'abc'), [0, 0, 0]);
  dispatch(shared, index, 'abc');
  shared.confirm(chainOf('abc'), MODEL, [10, 20, 30.5], 2);
  t.strictSame(endsOf(shared, 'abc'), [0, 0, 30.5], 'from the block that it says');
});

test('the first branch after what used to be the end of a prompt is one, not two', async (t) => {
  const branches = new SharedBlocks(1_000);
  const index = new PrefixIndex(0, branches);
  dispatch(branches, index, 'ab');
  dispatch(branches, index, 'abc');
  t.strictSame(after(branches, 'abc'), [1, 1, 1]);
  dispatch(branches, index, 'abd');
  t.strictSame(after(branches, 'abc'), [2, 2, 1]);
});

test('a repeated prompt adds no branch, on whatever endpoint', async (t) => {
  const branches = new SharedBlocks(1_000);
  dispatch(branches, new PrefixIndex(0, branches), 'ab');
  dispatch(branches, new PrefixIndex(0, branches), 'ab');
  t.strictSame(after(branches, 'ab'), [1, 1]);
});

test('a block is forgotten with its last holder, and its count with it', async (t) => {
  const branches = new SharedBlocks(1_000);
  const indexes = [new PrefixIndex(0, branches), new PrefixIndex(0, branches)];
  for (const index of indexes) for (const text of ['ab', 'ac']) dispatch(branches, index, text);
  t.equal(branches.entries, 3);
  indexes[0]!.forget();
  t.strictSame(after(branches, 'ab'), [2, 1]);
  indexes[1]!.forget();
  t.equal(branches.entries, 0);
  t.strictSame(after(branches, 'ab'), [1, 1]);
});

test('counts stop at 255, halve, and do not fall below one', async (t) => {
  const branches = new SharedBlocks(1_000);
  const index = new PrefixIndex(0, branches);
  for (let i = 0; i < 300; i++) dispatch(branches, index, `a${String.fromCharCode(1_000 + i)}`);
  const probe = `a${String.fromCharCode(1_000)}`;
  t.strictSame(after(branches, probe), [255, 1]);
  for (const expected of [127, 63, 31, 15, 7, 3, 1, 1]) {
    branches.halve();
    t.strictSame(after(branches, probe), [expected, 1]);
  }
  dispatch(branches, index, 'a*');
  t.strictSame(after(branches, probe), [2, 1], 'the next one is one more');
  index.forget();
  t.equal(branches.entries, 0, 'halving leaves the holders alone');
});

test('a full table tracks nothing new, counts nothing, and empties cleanly', async (t) => {
  const branches = new SharedBlocks(3);
  const indexes = [new PrefixIndex(0, branches), new PrefixIndex(0, branches)];
  dispatch(branches, indexes[0]!, 'abcd');
  for (let i = 0; i < 3; i++) dispatch(branches, indexes[1]!, 'abx');
  t.equal(branches.entries, 3);
  t.strictSame(after(branches, 'abx'), [1, 1, 1]);
  for (const index of indexes) index.forget();
  t.equal(branches.entries, 0);
});

/** All that the next test records, and what leaves it. */
const TEXTS = [...'abcde'].flatMap((first) => ['', ...['', 'x', 'y'].flatMap((second) => ['x', 'y', 'z'].map((third) => second + third))].map((rest) => first + rest));

test('how far an endpoint may hold a prompt is never less than it does, also of blocks that came while the table was full', async () => {
  const text = fc.stringMatching(/^[a-e][xy]{0,2}$/);
  const holder = fc.nat(2);
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(fc.constant('record' as const), holder, text) },
    { weight: 3, arbitrary: fc.tuple(fc.constant('release' as const), fc.nat(9)) },
    { weight: 2, arbitrary: fc.tuple(fc.constant('complete' as const), fc.nat(9)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('forget' as const), holder) },
  );
  // The last has the bit of the first.
  const numbers = [0, 1, 32];
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 6 }), (steps, entriesMax) => {
      const shared = new SharedBlocks(entriesMax);
      // What is complete is there or a ghost, until others evict it.
      const indexes = numbers.map((number) => new PrefixIndex(50, shared, number));
      const open: { index: PrefixIndex; hold: Hold }[] = [];
      for (const step of steps) {
        if (step[0] === 'record') {
          const index = indexes[step[1]]!;
          open.push({ index, hold: index.record(chainOf(step[2]), MODEL, tokenEnds(chainOf(step[2]))) });
        } else if (step[0] === 'forget') {
          indexes[step[1]]!.forget();
        } else if (open.length > 0) {
          const [{ index, hold }] = open.splice(step[1] % open.length, 1) as [(typeof open)[number]];
          if (step[0] === 'complete') {
            index.confirm(hold, 0);
            index.recordAnswer(hold, 20, 0);
          }
          index.release(hold);
        }
        const isWithinReach = (index: PrefixIndex, i: number, text: string): boolean => {
          const matched = index.matchedBlocks(chainOf(text), MODEL);
          const { length, reach } = shared.follow(chainOf(text), MODEL);
          const most = reach[numbers[i]! % reach.length]!;
          return matched <= most && most <= length && index.matchedBlocks(chainOf(text), MODEL, most) === matched;
        };
        if (!indexes.every((index, i) => TEXTS.every((text) => isWithinReach(index, i, text)))) return false;
      }
      for (const index of indexes) index.forget();
      return shared.entries === 0 && TEXTS.every((text) => shared.follow(chainOf(text), MODEL).length === 0);
    }),
    { numRuns: 1_000 },
  );
});

test('what an engine told of a block is known when the block comes back after it was evicted', (t) => {
  const shared = new SharedBlocks(1_000);
  const [chain, ends] = [chainOf('ab'), tokenEnds(chainOf('ab'))];
  const index = new PrefixIndex(ends[1]!, shared);
  const hold = index.record(chain, MODEL, ends);
  index.confirm(hold, 0);
  shared.confirm(chain, MODEL, ends);
  index.release(hold);
  index.setCapacityTokens(ends[0]!);
  t.equal(index.matchedBlocks(chain, MODEL), 1, 'one of them was evicted');
  index.setCapacityTokens(ends[1]!);
  t.equal(index.matchedBlocks(chain, MODEL), 2, 'and came back');
  t.strictSame(endsOf(shared, 'ab'), ends);
  index.setCapacityTokens(0);
  t.equal(shared.entries, 0, 'no ghost of it is left');
  t.end();
});
