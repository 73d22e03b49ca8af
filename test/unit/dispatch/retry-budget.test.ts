import { test } from 'tap';
import { RetryBudget } from '../../../src/dispatch/retry-budget.ts';

const limits = { budgetRatio: 0.2, budgetMin: 3 };

function taken(budget: RetryBudget, nowMs: number): number {
  let count = 0;
  while (count < 1000 && budget.take(nowMs, limits)) count += 1;
  return count;
}

test('a few retries are allowed however few requests there were', async (t) => {
  t.equal(taken(new RetryBudget(), 5), 3);
});

test('of many requests a fifth may be tried again', async (t) => {
  const budget = new RetryBudget();
  for (let i = 0; i < 100; i++) budget.noteRequest(50 * i);
  t.equal(taken(budget, 5000), 20);
});

test('requests and retries count for ten seconds, however long nobody came', async (t) => {
  const budget = new RetryBudget();
  for (let i = 0; i < 100; i++) budget.noteRequest(1000);
  t.equal(taken(budget, 1000), 20);
  t.equal(taken(budget, 10_999), 0, 'all of it is within ten seconds');
  t.equal(taken(budget, 11_000), 3, 'the requests are too old, and so are their retries');
  t.equal(taken(budget, 3_600_000), 3);
});
