// traffic.test.ts: whose prompts an engine serves.

import { test } from 'tap';
import { Traffic } from '../../../src/dispatch/traffic.ts';

test('the share of others is what the engine looked up beyond our prompts', async (t) => {
  const traffic = new Traffic();
  traffic.sample(1000);
  t.equal(traffic.othersRatio, 0, 'one sample says nothing');
  traffic.note(300);
  traffic.sample(1400);
  t.equal(traffic.othersRatio, 0.25);
});

test('what came before the first sample is not counted, and more of ours than was looked up are no others', async (t) => {
  const traffic = new Traffic();
  traffic.note(5000);
  traffic.sample(1000);
  traffic.note(300);
  traffic.sample(1200);
  t.equal(traffic.othersRatio, 0);
});

test('others that left are forgotten', async (t) => {
  const traffic = new Traffic();
  traffic.sample(0);
  traffic.sample(1000);
  t.equal(traffic.othersRatio, 1);
  let total = 1000;
  for (let i = 0; i < 50; i++) {
    traffic.note(100);
    traffic.sample((total += 100));
  }
  t.ok(traffic.othersRatio < 0.01);
});

test('a counter that fell, or is not there, begins anew', async (t) => {
  const traffic = new Traffic();
  traffic.sample(1000);
  traffic.sample(10);
  t.equal(traffic.othersRatio, 0);
  traffic.sample(undefined);
  traffic.sample(5000);
  t.equal(traffic.othersRatio, 0);
});
