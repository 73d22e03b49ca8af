import { test } from 'tap';
import type { Assignment } from '../../../src/core/dispatcher.ts';
import { createHouse, type House } from './house.ts';

const LONG = 'All happy families are alike; each unhappy family is unhappy in its own way. '.repeat(40);

function assign(house: House, messages: readonly string[], excluded: readonly string[] = [], listener = 'prefix'): Assignment {
  const made = house.dispatcher.assign({ facts: house.chat(messages), listener, excluded, request: 'r1', traceId: 't1' });
  if (made.kind === 'refused') throw new Error(made.message);
  return made;
}

test('a choice keeps what was seen of each endpoint, and learns how it ended', async (t) => {
  const house = createHouse({ endpoints: 3 });
  house.nowMs = 1000;
  house.endpoint(2).drainedByAdmin = true;
  const first = assign(house, [LONG]);
  const { choices } = house.dispatcher;
  t.match(choices.read(1), { seq: 1, atMs: 1000, request: 'r1', traceId: 't1', listener: 'prefix', policy: 'prefix-cost', model: 'm', endpoint: first.endpoint.id, outcome: 'running', ttftMs: undefined });
  t.equal(choices.read(1)!.considered[2]!.because, 'draining');
  t.equal(choices.isOver(1), false);
  house.nowMs += 150;
  house.dispatcher.firstToken(first.attempt);
  house.nowMs += 350;
  house.dispatcher.finish(first.attempt, { kind: 'complete', usage: { promptTokens: 800, completionTokens: 5, cachedTokens: 0 }, responseId: undefined });
  t.match(choices.read(1), { outcome: 'complete', ttftMs: 150, durationMs: 500, reportedCachedTokens: 0 });
  t.equal(choices.isOver(1), true);
  assign(house, [LONG, 'yes', 'go on']);
  const second = choices.read(2)!;
  const [its] = second.considered.filter(({ endpoint }) => endpoint === first.endpoint.id);
  t.equal(second.endpoint, first.endpoint.id);
  t.ok(its!.matchedTokens > 700 && second.matchRatio > 0.9);
  const { queuedTokens, uncachedTokens, insertedTokens, pressure, overfullTokens, inFlight, cost } = its!;
  t.ok(Math.abs((queuedTokens / 3 + uncachedTokens + overfullTokens + (pressure * insertedTokens) / 2 + 256) * (inFlight + 1) - cost!) < 0.01, 'the numbers add up to the cost');
  t.match(second.sentence, /^10\.0\.0\.\d:8000 holds \d+ of \d+ tokens and is no busier than 10\.0\.0\.\d:8000, which would compute \d+ tokens\.$/);
});

test('a retry is a choice of its own, from which the endpoint that was tried is left out', async (t) => {
  const house = createHouse({ endpoints: 2 });
  const first = assign(house, ['a']);
  house.dispatcher.finish(first.attempt, { kind: 'reset', stale: false });
  assign(house, ['a'], [first.endpoint.id]);
  t.equal(house.dispatcher.choices.read(1)!.outcome, 'reset');
  t.match(house.dispatcher.choices.read(2), { runnerUp: undefined, sentence: /only endpoint left that was not tried/ });
  t.equal(house.dispatcher.choices.read(2)!.considered.find(({ endpoint }) => endpoint === first.endpoint.id)!.because, 'tried');
});

test('of the choices the last 1,024 are kept, and of 300 endpoints 256 with the chosen one among them', async (t) => {
  const house = createHouse({ endpoints: 300 });
  const { choices } = house.dispatcher;
  for (let i = 0; i < 1100; i++) {
    const made = assign(house, [`${i}`], [], 'baseline');
    house.dispatcher.finish(made.attempt, { kind: 'client_gone' });
    const kept = choices.read(choices.latest)!;
    t.equal(kept.considered.length, 256);
    t.equal(kept.endpoints, 300);
    t.ok(kept.considered.some(({ endpoint, available }) => available && endpoint === made.endpoint.id));
  }
  t.equal(choices.latest, 1100);
  t.equal(choices.read(76), undefined, 'forgotten');
  t.equal(choices.isOver(76), true);
  t.equal(choices.read(77)!.seq, 77);
  t.equal(choices.read(0), undefined);
});

test("a choice's ids are what they were, in a place that longer ones had before", async (t) => {
  const house = createHouse({ endpoints: 1 });
  const { choices } = house.dispatcher;
  const idOf = (i: number): string => `${i}-${'x'.repeat(i < 1024 ? 123 : 1)}`.slice(0, 128);
  for (let i = 0; i < 1100; i++) {
    const made = house.dispatcher.assign({ facts: house.chat(['a']), listener: 'prefix', excluded: [], request: idOf(i), traceId: `${i}`.padStart(32, '0') });
    if (made.kind === 'refused') throw new Error(made.message);
    house.dispatcher.finish(made.attempt, { kind: 'client_gone' });
  }
  for (const i of [76, 1023, 1024, 1099]) t.match(choices.read(i + 1), { request: idOf(i), traceId: `${i}`.padStart(32, '0') });
});
