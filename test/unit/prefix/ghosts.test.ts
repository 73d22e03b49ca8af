// ghosts.test.ts: evicted blocks are kept for a while, oldest forgotten first, and leave no trace in the recency.

import * as fc from 'fast-check';
import { test } from 'tap';
import { Ghosts } from '../../../src/prefix/ghosts.ts';
import { modelKey } from '../../../src/prefix/model-key.ts';
import { Recency } from '../../../src/prefix/recency.ts';
import { chainOf } from './conversation.ts';

const MODEL = modelKey('m');
const TOKENS = 10;

/** Ghosts of one-block chains, named by a letter. */
function house(tokensMax: number) {
  const recency = new Recency();
  // A bucket is one token: this one is full with it, and everything else is younger.
  recency.setCapacity(64);
  const oldest = recency.enter(1);
  const gone: number[] = [];
  const ghosts = new Ghosts(recency, (low) => gone.push(low));
  ghosts.setLimits(tokensMax, Infinity);
  const hash = (name: string) => {
    const chain = chainOf(name);
    return { low: chain.hashes[0]! ^ MODEL.low, high: chain.hashes[1]! ^ MODEL.high };
  };
  return {
    ghosts,
    counted: () => recency.younger(oldest) - 1 / 2,
    evict: (name: string, tokens = TOKENS) => ghosts.add({ ...hash(name), size: tokens, bucket: recency.enter(tokens), confirmedAt: 7, flags: 3 }),
    lay: (name: string) => ghosts.lay(hash(name).low, hash(name).high),
    hash,
    isGone: (name: string) => gone.includes(hash(name).low),
    has: (name: string) => ghosts.bucketOf(chainOf(name), MODEL, 0) !== undefined,
  };
}

test('a ghost stays until others need its room, and up to the limit', async (t) => {
  const { evict, has, isGone } = house(3 * TOKENS);
  for (const name of ['a', 'b', 'c']) evict(name);
  t.ok(has('a') && !isGone('a'), 'exactly full');
  evict('d');
  t.ok(!has('a') && isGone('a'), 'the first one evicted goes first');
  t.ok(has('b') && has('c') && has('d') && !isGone('b'));
});

test('a smaller limit takes effect at once, and none keeps none', async (t) => {
  const { evict, has, ghosts } = house(3 * TOKENS);
  for (const name of ['a', 'b', 'c']) evict(name);
  ghosts.setLimits(2 * TOKENS, Infinity);
  t.same(['a', 'b', 'c'].map(has), [false, true, true]);
  ghosts.setLimits(2 * TOKENS, 1);
  t.same(['a', 'b', 'c'].map(has), [false, false, true]);
  ghosts.setLimits(0, Infinity);
  t.same(['a', 'b', 'c'].map(has), [false, false, false]);
});

test('a block that is there again is no ghost, and laying what is none changes nothing', async (t) => {
  const { evict, has, lay, counted } = house(3 * TOKENS);
  evict('a');
  evict('b');
  lay('x');
  lay('a');
  lay('a');
  t.same(['a', 'b'].map(has), [false, true]);
  lay('b');
  t.equal(counted(), 0, 'nor is it counted any more');
});

test('what was evicted last is given back first, if it is no larger than asked for', async (t) => {
  const { evict, has, hash, ghosts } = house(3 * TOKENS);
  evict('a');
  evict('b', 20);
  t.equal(ghosts.takeLast(19), undefined);
  t.match(ghosts.takeLast(20), { ...hash('b'), size: 20, confirmedAt: 7, flags: 3 });
  t.notOk(has('b'));
  t.match(ghosts.takeLast(20), { ...hash('a'), size: TOKENS });
  t.equal(ghosts.takeLast(20), undefined);
});

test('ghosts are what a list bounded in tokens says, and the recency counts them and nothing else', async () => {
  const step = fc.record({ name: fc.constantFrom(...'abcdefghij'), tokens: fc.integer({ min: 1, max: 30 }), max: fc.option(fc.nat(120), { freq: 6 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const { ghosts, counted, evict, lay, has } = house(100);
      let max = 100;
      let list: { name: string; tokens: number }[] = [];
      const sum = () => list.reduce((total, { tokens }) => total + tokens, 0);
      for (const { name, tokens, max: newMax } of steps) {
        if (newMax !== null) ghosts.setLimits((max = newMax), Infinity);
        else if (list.some((ghost) => ghost.name === name)) {
          lay(name);
          list = list.filter((ghost) => ghost.name !== name);
        } else {
          evict(name, tokens);
          list.push({ name, tokens });
        }
        while (sum() > max) list.shift();
        for (const letter of 'abcdefghij') {
          if (has(letter) !== list.some((ghost) => ghost.name === letter)) throw new Error(`${letter} after ${JSON.stringify(list)}`);
        }
        if (counted() !== sum()) throw new Error(`${counted()} counted, not ${sum()}`);
      }
    }),
    { numRuns: 300 },
  );
});
