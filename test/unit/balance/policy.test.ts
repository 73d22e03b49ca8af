import { test } from 'tap';
import { POLICY_NAMES } from '../../../src/core/policy-name.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { type Candidate, type Draw, type Policy, createPolicy, prefixCost } from '../../../src/balance/policy.ts';

const OPTIONS = { matchRatioMin: 0.5 };
const IDLE: Candidate = { inFlight: 0, matchRatio: 0, queuedTokens: 0, uncachedTokens: 0, insertedTokens: 0, pressure: 0, overfullTokens: 0, cost: 256 };

function candidates(...differences: Partial<Candidate>[]): Candidate[] {
  return differences.map((difference) => ({ ...IDLE, ...difference, cost: prefixCost({ ...IDLE, ...difference }) }));
}

/** Fails the test that did not expect a tie. */
const NO_TIE: Draw = {
  turn: 0,
  random: () => {
    throw new Error('random was drawn');
  },
};

/** How often each was chosen in 9,000 seeded draws. */
function shares(policy: Policy, from: readonly Candidate[]): number[] {
  const random = seededRandom(7);
  const chosen = from.map(() => 0);
  for (let turn = 0; turn < 9_000; turn++) chosen[policy(from, { random, turn })]!++;
  return chosen;
}

function isUniform(counts: readonly number[]): boolean {
  const mean = 9_000 / counts.length;
  return counts.every((count) => Math.abs(count - mean) < 0.07 * mean);
}

test('every policy chooses the only candidate', async (t) => {
  for (const name of POLICY_NAMES) {
    const random = seededRandom(1);
    for (let turn = 0; turn < 5; turn++) t.equal(createPolicy(name, OPTIONS)([IDLE], { random, turn }), 0, name);
  }
});

test('least-request chooses the fewest in flight, wherever it stands', async (t) => {
  const policy = createPolicy('least-request', OPTIONS);
  t.equal(policy(candidates({ inFlight: 2 }, { inFlight: 1.5 }, { inFlight: 3 }), NO_TIE), 1);
  t.equal(policy(candidates({ inFlight: 0 }, { inFlight: 1 }), NO_TIE), 0);
  t.equal(policy(candidates({ inFlight: 1, matchRatio: 1 }, { inFlight: 0 }), NO_TIE), 1);
});

test('least-request gives each of the tied an equal share and the others none', async (t) => {
  const from = [2, 2, 1, 3, 1, 1].map((inFlight) => ({ ...IDLE, inFlight }));
  const counts = shares(createPolicy('least-request', OPTIONS), from);
  t.strictSame([counts[0], counts[1], counts[3]], [0, 0, 0]);
  t.ok(isUniform([counts[2]!, counts[4]!, counts[5]!]), counts.join(' '));
});

test('prefix-threshold follows a ratio above the threshold, not one at it', async (t) => {
  const policy = createPolicy('prefix-threshold', OPTIONS);
  t.equal(policy(candidates({ inFlight: 9, matchRatio: 0.5001 }, { inFlight: 0 }), NO_TIE), 0);
  t.equal(policy(candidates({ inFlight: 9, matchRatio: 0.5 }, { inFlight: 0 }), NO_TIE), 1);
  const strict = createPolicy('prefix-threshold', { matchRatioMin: 0.6 });
  t.equal(strict(candidates({ inFlight: 9, matchRatio: 0.5001 }, { inFlight: 0 }), NO_TIE), 1);
});

test('prefix-threshold takes the least in flight among those with the best ratio, not among all above the threshold', async (t) => {
  const policy = createPolicy('prefix-threshold', OPTIONS);
  const best = { matchRatio: 0.8 };
  const from = candidates({ ...best, inFlight: 5 }, { ...best, inFlight: 4 }, { matchRatio: 0.7, inFlight: 1 }, { inFlight: 0 });
  t.equal(policy(from, NO_TIE), 1);
});

test('prefix-threshold shares ties equally on both of its ways', async (t) => {
  const policy = createPolicy('prefix-threshold', OPTIONS);
  const warm = candidates({ inFlight: 1, matchRatio: 0.9 }, { inFlight: 0 }, { inFlight: 1, matchRatio: 0.9 });
  const counts = shares(policy, warm);
  t.equal(counts[1], 0);
  t.ok(isUniform([counts[0]!, counts[2]!]), counts.join(' '));
  const cool = candidates({ matchRatio: 0.2 }, { matchRatio: 0.4 }, { matchRatio: 0.4 });
  t.ok(isUniform(shares(policy, cool)), 'below the threshold the ratio is no matter');
});

test('the cost is prefill work times the requests that share the engine', async (t) => {
  const busy = { inFlight: 3, queuedTokens: 900, uncachedTokens: 1_000, insertedTokens: 1_400, pressure: 0.5, overfullTokens: 40 };
  t.equal(prefixCost({ ...IDLE, ...busy }), (300 + 1_000 + 40 + 350 + 256) * 4);
  t.equal(prefixCost(IDLE), 256);
  t.equal(prefixCost({ ...IDLE, inFlight: 10 }), 2_816, 'a slow starter with one lease at a share of 0.1');
});

test('prefix-cost stays with the warm endpoint until waiting there costs more than computing elsewhere', async (t) => {
  const policy = createPolicy('prefix-cost', OPTIONS);
  const cold = { uncachedTokens: 4_000, insertedTokens: 4_200, matchRatio: 0 };
  const warm = { uncachedTokens: 100, insertedTokens: 300, matchRatio: 0.975 };
  // 356 × (n + 1) against 4,256: the twelfth is sent elsewhere.
  t.equal(policy(candidates(cold, { ...warm, inFlight: 10 }), NO_TIE), 1);
  t.equal(policy(candidates(cold, { ...warm, inFlight: 11 }), NO_TIE), 0);
});

test('prefix-cost avoids the cache in which inserting hurts more', async (t) => {
  const policy = createPolicy('prefix-cost', OPTIONS);
  const cold = { uncachedTokens: 2_000, insertedTokens: 2_200 };
  t.equal(policy(candidates({ ...cold, pressure: 1 }, { ...cold, pressure: 0.4 }, { ...cold, pressure: 0.6 }), NO_TIE), 1);
});

test('prefix-cost breaks ties by fewer in flight, then at random', async (t) => {
  const policy = createPolicy('prefix-cost', OPTIONS);
  // 512 × 1 and 256 × 2.
  t.equal(policy(candidates({ inFlight: 1 }, { uncachedTokens: 256 }), NO_TIE), 1);
  t.equal(policy(candidates({ uncachedTokens: 256 }, { inFlight: 1 }), NO_TIE), 0);
  const counts = shares(policy, candidates({}, { inFlight: 1 }, {}, {}));
  t.equal(counts[1], 0);
  t.ok(isUniform([counts[0]!, counts[2]!, counts[3]!]), counts.join(' '));
});

test('round-robin goes by the turn, whatever the candidates carry', async (t) => {
  const policy = createPolicy('round-robin', OPTIONS);
  const from = candidates({ inFlight: 9 }, {}, { matchRatio: 1 });
  t.strictSame([0, 1, 2, 3, 7].map((turn) => policy(from, { ...NO_TIE, turn })), [0, 1, 2, 0, 1]);
});

test('random gives every candidate an equal share', async (t) => {
  const counts = shares(createPolicy('random', OPTIONS), candidates({ inFlight: 9 }, {}, { matchRatio: 1 }));
  t.ok(isUniform(counts), counts.join(' '));
});
