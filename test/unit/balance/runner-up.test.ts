import { test } from 'tap';
import { type Candidate, runnerUp } from '../../../src/balance/policy.ts';

const OPTIONS = { matchRatioMin: 0.5 };

function candidates(...differences: Partial<Candidate>[]): Candidate[] {
  return differences.map((difference) => ({ inFlight: 0, matchRatio: 0, queuedTokens: 0, uncachedTokens: 0, insertedTokens: 0, pressure: 0, overfullTokens: 0, cost: 256, ...difference }));
}

test('the runner-up is who the same rule takes from the others', async (t) => {
  const from = candidates({ cost: 300, inFlight: 0 }, { cost: 100, inFlight: 1, matchRatio: 0.9 }, { cost: 200, inFlight: 5, matchRatio: 0.8 });
  t.equal(runnerUp('prefix-cost', OPTIONS, from, 1), 2);
  t.equal(runnerUp('prefix-threshold', OPTIONS, from, 1), 2);
  t.equal(runnerUp('least-request', OPTIONS, from, 0), 1);
  t.equal(runnerUp('prefix-cost', OPTIONS, candidates({}, {}, {}), 0), 1, 'the first of equal ones');
});

test('by turns it is the next one, by chance nobody, and alone nobody', async (t) => {
  const three = candidates({}, {}, {});
  t.same([0, 1, 2].map((chosen) => runnerUp('round-robin', OPTIONS, three, chosen)), [1, 2, 0]);
  t.equal(runnerUp('random', OPTIONS, three, 0), undefined);
  t.equal(runnerUp('prefix-cost', OPTIONS, candidates({}), 0), undefined);
});
