// closed-loop-counters.test.ts: the closed loop where answers say nothing of cached tokens, and only the engine's counters do.

import { test } from 'tap';
import { ClosedLoop } from './closed-loop.ts';

const CAPACITY = 40_000;
const BULK = { capacityTokens: CAPACITY, conversations: 60, reports: false, scrapedEvery: 20 };
const SEEDS = [1, 2];

for (const seed of SEEDS) {
  for (const [name, toldTokens] of [['four times too large', 4 * CAPACITY], ['half', CAPACITY / 2], ['right', CAPACITY]] as const) {
    test(`seed ${seed}: without usage, tokens are learned from the counters and a capacity told ${name} is mended or kept, and a flush is seen`, async (t) => {
      const loop = new ClosedLoop({ ...BULK, seed, toldTokens, usage: false });
      loop.error(1500);
      const error = loop.error(1000);
      t.ok(error < 0.08, `error ${error}`);
      const { capacityTokens, forgets } = loop.house.status(0).index;
      t.ok(Math.abs(capacityTokens / CAPACITY - 1) < 0.25, `capacity ${capacityTokens}`);
      loop.cache.flush();
      loop.error(2 * BULK.scrapedEvery);
      t.equal(loop.house.status(0).index.forgets, forgets + 1);
    });
  }
}

for (const seed of SEEDS) {
  for (const [name, toldTokens] of [['four times too large', 4 * CAPACITY], ['half', CAPACITY / 2]] as const) {
    test(`seed ${seed}: a capacity told ${name} is corrected by the engine's counters`, async (t) => {
      const loop = new ClosedLoop({ ...BULK, seed, toldTokens });
      loop.error(1000);
      const error = loop.error(1000);
      t.ok(error < 0.05, `error ${error}`);
      const { capacityTokens } = loop.house.status(0).index;
      t.ok(Math.abs(capacityTokens / CAPACITY - 1) < 0.2, `capacity ${capacityTokens}`);
    });
  }

  test(`seed ${seed}: prompts that are lost otherwise leave the right capacity alone`, async (t) => {
    const loop = new ClosedLoop({ ...BULK, seed, toldTokens: CAPACITY, lost: 0.02 });
    const error = loop.error(2000);
    t.ok(error < 0.04, `error ${error}`);
    const { capacityTokens, forgets } = loop.house.status(0).index;
    t.ok(Math.abs(capacityTokens / CAPACITY - 1) < 0.1, `capacity ${capacityTokens}`);
    t.ok(forgets <= 1, `${forgets} forgets`);
  });

  test(`seed ${seed}: a silent flush shows in the first sample after it`, async (t) => {
    const loop = new ClosedLoop({ ...BULK, seed, toldTokens: CAPACITY });
    loop.error(1000);
    t.equal(loop.house.status(0).index.forgets, 0);
    loop.cache.flush();
    loop.error(BULK.scrapedEvery);
    t.equal(loop.house.status(0).index.forgets, 1);
    const error = loop.error(500);
    // What was sent between the flush and the sample is forgotten as well.
    t.ok(error < 0.03, `error ${error}`);
  });
}

test("counters teach nothing while others' prompts are counted with ours", async (t) => {
  const loop = new ClosedLoop({ ...BULK, seed: 5, toldTokens: 4 * CAPACITY });
  loop.error(200);
  const { capacityTokens, corrections } = loop.house.status(0).index;
  for (let i = 0; i < 500; i++) {
    loop.cache.queriesTotal += 300;
    loop.step();
  }
  t.match(loop.house.status(0).index, { capacityTokens, corrections });
});

test('answers that report are believed, and counters are not', async (t) => {
  const loop = new ClosedLoop({ ...BULK, seed: 6, toldTokens: CAPACITY, reports: true });
  // Counters of an engine that finds nothing.
  Object.defineProperty(loop.cache, 'hitsTotal', { get: () => 0, set() {} });
  loop.error(1000);
  const { forgets, capacityTokens } = loop.house.status(0).index;
  t.equal(forgets, 0);
  t.ok(Math.abs(capacityTokens / CAPACITY - 1) < 0.1, `capacity ${capacityTokens}`);
});
