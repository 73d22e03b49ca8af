// recency.test.ts: distances by buckets against distances by walking the list.

import * as fc from 'fast-check';
import { test } from 'tap';
import { Recency } from '../../../src/prefix/recency.ts';

const CAPACITY = 6400;
/** A bucket closes at a 64th of the capacity, so what enters last may overfill it. */
const BUCKET = CAPACITY / 64;
const SIZE_MAX = 40;
const BUCKETS = 1024;

interface Used {
  readonly name: number;
  readonly tokens: number;
  readonly bucket: number;
}

/** Uses `name` now: it leaves where it was and becomes the youngest. */
function use(recency: Recency, list: Used[], name: number, tokens: number): void {
  const at = list.findIndex((used) => used.name === name);
  const before = at < 0 ? undefined : list.splice(at, 1)[0];
  if (before !== undefined) recency.leave(before.bucket, before.tokens);
  const size = before?.tokens ?? tokens;
  list.unshift({ name, tokens: size, bucket: recency.enter(size) });
}

test('a distance differs from the exact one by less than a bucket, whatever enters and leaves', async () => {
  const step = fc.record({ name: fc.nat(300), tokens: fc.integer({ min: 1, max: SIZE_MAX }), leaves: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 600 }), (steps) => {
      const recency = new Recency();
      recency.setCapacity(CAPACITY);
      const list: Used[] = [];
      for (const { name, tokens, leaves } of steps) {
        const at = leaves ? list.findIndex((used) => used.name === name) : -1;
        if (at < 0) use(recency, list, name, tokens);
        else for (const { bucket, tokens: size } of list.splice(at, 1)) recency.leave(bucket, size);
      }
      let exact = 0;
      for (const { bucket, tokens } of list) {
        const off = Math.abs(recency.younger(bucket) - exact);
        if (off > BUCKET) throw new Error(`${recency.younger(bucket)} instead of ${exact}`);
        exact += tokens;
      }
    }),
    { numRuns: 200 },
  );
});

test('when everything left, nothing is younger than anything', async (t) => {
  const recency = new Recency();
  recency.setCapacity(CAPACITY);
  const list: Used[] = [];
  for (let name = 0; name < 5_000; name++) use(recency, list, name, 1 + (name % SIZE_MAX));
  for (const { bucket, tokens } of list) recency.leave(bucket, tokens);
  t.equal(recency.younger(list.at(-1)!.bucket), 0);
  t.equal(recency.younger(list[0]!.bucket), 0);
});

test('what the ring has left behind is one bucket, younger by half', async (t) => {
  const recency = new Recency();
  recency.setCapacity(CAPACITY);
  const oldest = recency.enter(BUCKET);
  for (let i = 1; i < BUCKETS; i++) recency.enter(BUCKET);
  t.equal(recency.younger(oldest), (BUCKETS - 1) * BUCKET + BUCKET / 2, 'the last place in the ring');
  const second = oldest + 1;
  recency.enter(BUCKET);
  t.equal(recency.younger(oldest), BUCKETS * BUCKET + BUCKET / 2, 'one behind it');
  recency.enter(BUCKET);
  t.equal(recency.younger(oldest), BUCKETS * BUCKET + BUCKET, 'two are behind it: half of both');
  t.equal(recency.younger(second), recency.younger(oldest));
  recency.leave(oldest, BUCKET);
  recency.leave(second, BUCKET);
  t.equal(recency.younger(oldest), BUCKETS * BUCKET);
});

test('a larger capacity makes buckets larger from then on, and disturbs no sum', async (t) => {
  const recency = new Recency();
  recency.setCapacity(CAPACITY);
  const first = recency.enter(BUCKET);
  recency.setCapacity(4 * CAPACITY);
  t.equal(recency.enter(3 * BUCKET), first, 'the open bucket takes more');
  t.equal(recency.enter(BUCKET), first + 1);
  t.equal(recency.younger(first), BUCKET + (4 * BUCKET) / 2);
});

test('a cleared recency knows nothing', async (t) => {
  const recency = new Recency();
  recency.setCapacity(CAPACITY);
  for (let i = 0; i < 2 * BUCKETS; i++) recency.enter(BUCKET);
  recency.clear();
  t.equal(recency.younger(0), 0);
  t.equal(recency.enter(1), 0);
});
