import { test } from 'tap';
import { ClosedLoop } from './closed-loop.ts';

const CAPACITY = 40_000;
const BASE = { capacityTokens: CAPACITY, conversations: 60 };
const SEEDS = [1, 2];

for (const seed of SEEDS) {
  test(`seed ${seed}: with eviction under way, predictions are off by less than 1 % of the prompt tokens`, async (t) => {
    const loop = new ClosedLoop({ ...BASE, seed, toldTokens: CAPACITY });
    loop.error(400);
    const error = loop.error(1000);
    t.ok(loop.house.status(0).index.tokens > 0.9 * CAPACITY, 'the cache is full');
    t.ok(error < 0.01, `error ${error}`);
  });

  for (const [name, toldTokens] of [['four times too large', 4 * CAPACITY], ['half', CAPACITY / 2], ['not at all', undefined]] as const) {
    for (const lost of [0, 0.02]) {
      test(`seed ${seed}: a capacity told ${name} is corrected, ${lost * 100} % of prompts lost otherwise`, async (t) => {
        const loop = new ClosedLoop({ ...BASE, seed, toldTokens, lost });
        loop.error(1000);
        const error = loop.error(1000);
        t.ok(error < 0.03, `error ${error}`);
        const { capacityTokens } = loop.house.status(0).index;
        t.ok(Math.abs(capacityTokens / CAPACITY - 1) < 0.2, `capacity ${capacityTokens}`);
      });
    }
  }

  test(`seed ${seed}: after a silent flush at most three predictions are wrong for it`, async (t) => {
    const loop = new ClosedLoop({ ...BASE, seed, toldTokens: CAPACITY });
    loop.error(1000);
    loop.cache.flush();
    let wrong = 0;
    for (let i = 0; i < 30; i++) {
      const { predicted, reported } = loop.step();
      if (predicted - reported > 32) wrong++;
    }
    // The first wrong one is the evidence itself.
    t.ok(wrong - 1 <= 3, `${wrong} wrong`);
    t.ok(loop.error(1000) < 0.03);
  });

  test(`seed ${seed}: after a restart that a scrape shows, no prediction is wrong for it`, async (t) => {
    const loop = new ClosedLoop({ ...BASE, seed, toldTokens: CAPACITY });
    loop.error(1000);
    loop.cache.restart();
    loop.sample(CAPACITY, 2);
    for (let i = 0; i < 30; i++) {
      const { predicted, reported } = loop.step();
      t.ok(predicted - reported <= 32, `predicted ${predicted}, reported ${reported}`);
    }
  });
}

test('answers that are not reused stop counting as held', async (t) => {
  const loop = new ClosedLoop({ ...BASE, seed: 4, toldTokens: CAPACITY, keepsAnswers: false });
  loop.error(200);
  const error = loop.error(1000);
  t.ok(error < 0.02, `error ${error}`);
});

test('long prompts that are refused, while others are served, say nothing about the size of the cache', async (t) => {
  const loop = new ClosedLoop({ seed: 5, capacityTokens: 60_000, toldTokens: 60_000, conversations: 120 });
  loop.error(300);
  const { house } = loop;
  for (let round = 0; round < 20; round++) {
    const refused = Array.from({ length: 8 }, (_, i) => house.dispatcher.assign({ facts: house.chat([`${round} ${i} ${'too long '.repeat(10_000)}`]), listener: 'prefix', excluded: [] }));
    loop.error(15);
    for (const assigned of refused) if (assigned.kind === 'assigned') house.dispatcher.finish(assigned.attempt, { kind: 'rejected', status: 400, because: 'other' });
  }
  const { capacityTokens } = house.status(0).index;
  t.ok(capacityTokens < 1.05 * 60_000, `${capacityTokens} tokens`);
  const error = loop.error(300);
  t.ok(error < 0.03, `error ${error}`);
});
