import { test } from 'tap';
import type { Considered } from '../../../src/core/choice.ts';
import type { PolicyName } from '../../../src/core/policy-name.ts';
import { sentence } from '../../../src/dispatch/sentence.ts';

const IDLE: Considered = { endpoint: 'a', available: true, because: '', matchedTokens: 0, matchRatio: 0, uncachedTokens: 0, insertedTokens: 0, queuedTokens: 0, pressure: 0, overfullTokens: 0, inFlight: 0, cost: 256 };

function told(policy: PolicyName, chosen: Partial<Considered>, next: Partial<Considered>, promptTokens = 2310): string {
  const [first, second] = [{ ...IDLE, endpoint: '10.0.0.12', ...chosen }, { ...IDLE, endpoint: '10.0.0.11', ...next }];
  return sentence({ policy, matchRatioMin: 0.5, promptTokens, chosen: first, next: second, considered: [first, second] });
}

const WARM = { matchedTokens: 1920, matchRatio: 0.83 };

test('by cost: what is held against what waits', async (t) => {
  t.equal(told('prefix-cost', { ...WARM, inFlight: 2, cost: 9 }, { matchedTokens: 410 }), '10.0.0.12 holds 1,920 of 2,310 tokens; waiting there costs less than computing 1,900 tokens on 10.0.0.11.');
  t.equal(told('prefix-cost', WARM, {}), '10.0.0.12 holds 1,920 of 2,310 tokens and is no busier than 10.0.0.11, which would compute 2,310 tokens.');
  t.equal(told('prefix-cost', {}, { ...WARM, inFlight: 9 }), '10.0.0.11 holds 1,920 of 2,310 tokens, but waiting there costs more than computing 2,310 tokens on 10.0.0.12.');
  t.equal(told('prefix-cost', {}, { ...WARM, overfullTokens: 900 }), '10.0.0.11 holds 1,920 of 2,310 tokens, but waiting for room there costs more than computing 2,310 tokens on 10.0.0.12.');
  t.equal(told('prefix-cost', {}, { ...WARM, pressure: 1 }), '10.0.0.11 holds 1,920 of 2,310 tokens, but what it would evict there costs more than computing 2,310 tokens on 10.0.0.12.');
  t.equal(told('prefix-cost', {}, {}), '10.0.0.12 and 10.0.0.11 hold nothing of the prompt, and are equally busy; chance decided.');
  t.equal(told('prefix-cost', WARM, { ...WARM, queuedTokens: 500, cost: 400 }), '10.0.0.12 and 10.0.0.11 hold as much, 1,920 of 2,310 tokens; waiting costs less on 10.0.0.12.');
  t.equal(told('prefix-cost', {}, { pressure: 1, cost: 400 }), '10.0.0.12 and 10.0.0.11 hold nothing of the prompt; inserting costs the others on 10.0.0.12 less.');
});

test('what decided is named, whichever of the terms it was', async (t) => {
  const cold = { uncachedTokens: 2310 };
  const warm = { ...WARM, uncachedTokens: 390 };
  t.match(told('prefix-cost', { ...cold, inFlight: 1 }, { ...warm, queuedTokens: 30_000 }), 'but waiting there costs more', 'fewer requests, but long ones');
  t.match(told('prefix-cost', { ...cold, inFlight: 1 }, { ...warm, inFlight: 1, queuedTokens: 30, pressure: 1, insertedTokens: 9999 }), 'but what it would evict there costs more', 'a little busier, which is not why');
  t.match(told('prefix-cost', { ...cold, queuedTokens: 900 }, { ...cold, inFlight: 1, cost: 9999 }), 'nothing of the prompt; waiting costs less on 10.0.0.12.', 'fewer requests weigh more than what is queued');
  t.match(told('prefix-cost', { ...warm, queuedTokens: 9000, cost: 1 }, cold), 'waiting there costs less than computing 2,310 tokens on 10.0.0.11');
});

test('by the other policies, each by its rule', async (t) => {
  t.equal(told('least-request', { inFlight: 1 }, { inFlight: 2.5 }), '10.0.0.12 has the fewest requests in flight: 1, 10.0.0.11 has 2.5.');
  t.equal(told('least-request', {}, {}), '10.0.0.12 and 10.0.0.11 have equally few requests in flight (0); chance decided.');
  t.equal(told('prefix-threshold', WARM, {}), '10.0.0.12 holds 0.83 of the prompt, more than 0.50, and no endpoint holds more.');
  t.equal(told('prefix-threshold', {}, { inFlight: 1 }), 'No endpoint holds more than 0.50 of the prompt. 10.0.0.12 has the fewest requests in flight: 0, 10.0.0.11 has 1.');
  t.equal(told('round-robin', {}, {}), 'It was the turn of 10.0.0.12.');
  t.equal(told('random', {}, {}), '10.0.0.12 was drawn at random from 2 available endpoints.');
});

test('where there was no other, that is the reason', async (t) => {
  t.equal(told('prefix-cost', WARM, { available: false, because: 'draining' }), '10.0.0.12 is the only endpoint available; it holds 1,920 of 2,310 tokens.');
  t.equal(told('prefix-cost', WARM, { available: false, because: 'tried' }), '10.0.0.12 is the only endpoint left that was not tried; it holds 1,920 of 2,310 tokens.');
  t.equal(told('prefix-cost', WARM, { available: false, because: 'elsewhere' }), '10.0.0.12 has the answer that the request continues.');
});
