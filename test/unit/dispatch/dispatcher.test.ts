import { test } from 'tap';
import type { Assignment, Outcome } from '../../../src/core/dispatcher.ts';
import type { RequestFacts } from '../../../src/core/request.ts';
import { ADMISSION, createHouse, type House } from './house.ts';

const LONG = 'All happy families are alike; each unhappy family is unhappy in its own way. '.repeat(40);

const SAMPLE = { atMs: 0, running: 0, waiting: 0, kvUsage: 0, blockSize: 16, capacityTokens: 1e5, prefixCaching: true, prefixQueriesTotal: 0, prefixHitsTotal: 0, asleep: false, stepsTotal: undefined, processStartS: 1 };

function assign(house: House, facts: RequestFacts, listener = 'prefix', excluded: string[] = []): Assignment {
  const assigned = house.dispatcher.assign({ facts, listener, excluded });
  if (assigned.kind === 'refused') throw new Error(assigned.message);
  return assigned;
}

function complete(usage?: { promptTokens: number; completionTokens: number; cachedTokens: number | undefined }): Outcome {
  return { kind: 'complete', usage, responseId: undefined };
}

function serve(house: House, facts: RequestFacts, listener = 'prefix'): Assignment {
  const assigned = assign(house, facts, listener);
  house.dispatcher.firstToken(assigned.attempt);
  house.nowMs += 100;
  house.dispatcher.finish(assigned.attempt, complete());
  return assigned;
}

test('the next turn of a conversation goes where the first one went', async (t) => {
  for (let i = 0; i < 20; i++) {
    const house = createHouse();
    const first = serve(house, house.chat([`${i}${LONG}`]));
    const second = assign(house, house.chat([`${i}${LONG}`, 'yes', 'and then?']));
    t.equal(second.endpoint.id, first.endpoint.id);
    t.ok(second.matchRatio > 0.9, 'nearly all of it was sent before');
    t.ok(second.predictedCachedTokens > 700 && second.predictedCachedTokens % 16 === 0, 'whole blocks of the engine');
  }
});

test('a prompt that is far too long for the model evicts nothing and is no work, though the engine takes its time to refuse it', async (t) => {
  const house = createHouse({ endpoints: 1, models: [{ id: 'm', tokensMax: 2000 }] });
  house.endpoint(0).noteSample({ ...SAMPLE, capacityTokens: 2500 });
  const hot = serve(house, house.chat([LONG]));
  const estimate = house.estimates.of(house.endpoint(0));
  const { index } = estimate;
  const { tokens } = index;
  const tooLong = assign(house, house.chat(['x'.repeat(20_000)]));
  t.equal(index.tokens, tokens);
  t.equal(estimate.queuedTokens, 0);
  t.equal(assign(house, house.chat([LONG])).matchRatio, 1, 'what was there is still found');
  house.dispatcher.finish(tooLong.attempt, { kind: 'rejected', status: 400, because: 'other' });
  t.equal(hot.matchRatio, 0);
  assign(house, house.chat(['y'.repeat(12_000)]));
  t.ok(index.tokens > tokens, 'what may be less than it seems is recorded');
  t.ok(estimate.queuedTokens > 0);
});

test('newcomers who share a beginning, three at a time, fill all caches alike, and not first those that hold it', async (t) => {
  const house = createHouse({ endpoints: 5 });
  for (const endpoint of house.pools.all()) endpoint.noteSample({ ...SAMPLE, capacityTokens: 20_000 });
  const counts = new Map<string, number>();
  const underWay: Assignment[] = [];
  for (let user = 0; user < 50; user++) {
    const assigned = assign(house, house.chat([LONG, 'understood', `${user}${LONG}`]));
    counts.set(assigned.endpoint.id, (counts.get(assigned.endpoint.id) ?? 0) + 1);
    if (underWay.push(assigned) < 3) continue;
    house.nowMs += 100;
    house.dispatcher.finish(underWay.shift()!.attempt, complete());
  }
  t.equal(counts.size, 5);
  t.ok(Math.max(...counts.values()) <= 14, `${[...counts.values()]} of 50 users`);
});

test('the answer to a prompt counts as held, but not as matched', async (t) => {
  const house = createHouse({ endpoints: 1 });
  const answer = 'word '.repeat(200);
  const before = assign(house, house.chat([LONG, answer, 'go on']));
  house.dispatcher.finish(before.attempt, { kind: 'client_gone' });
  const first = assign(house, house.chat([LONG]));
  house.dispatcher.finish(first.attempt, complete({ promptTokens: 800, completionTokens: 260, cachedTokens: 0 }));
  const after = assign(house, house.chat([LONG, answer, 'go on']));
  t.equal(after.predictedCachedTokens, 1056, 'what the engine counted for the prompt and for its answer, in whole blocks');
  t.ok(after.matchRatio < LONG.length / (LONG.length + answer.length));
});

test('a prompt under way already counts as held, so an equal one sent at once follows it', async (t) => {
  const house = createHouse();
  const first = assign(house, house.chat([LONG]), 'threshold');
  const second = assign(house, house.chat([LONG]), 'threshold');
  t.equal(second.endpoint.id, first.endpoint.id);
  t.equal(house.endpoint(house.pools.all().findIndex((e) => e.address.id === first.endpoint.id)).inFlight, 2);
});

/** What the index holds after one request whose prefill began, or did not, and that ended so. */
const OUTCOMES: readonly (readonly [name: string, outcome: Outcome, prefilled: boolean, held: boolean])[] = [
  ['a complete answer', complete(), true, true],
  ['an error before any answer', { kind: 'rejected', status: 400, because: 'other' }, false, false],
  ['a refused connection', { kind: 'unreachable', refused: true }, false, false],
  ['a connection that timed out', { kind: 'unreachable', refused: false }, false, false],
  ['an idle connection that was closed', { kind: 'reset', stale: true }, false, false],
  ['a reset before the first event', { kind: 'reset', stale: false }, false, false],
  ['a reset in the middle of the answer', { kind: 'reset', stale: false }, true, false],
  ['a client that left before the first event', { kind: 'client_gone' }, false, false],
  ['a client that left in the middle', { kind: 'client_gone' }, true, true],
  ['a time-out before the first event', { kind: 'timeout', limit: 'first_byte_ms' }, false, false],
  ['a time-out in the middle', { kind: 'timeout', limit: 'idle_ms' }, true, true],
  ['a truncated answer', { kind: 'truncated' }, true, true],
  ['an error in the answer', { kind: 'failed' }, true, true],
];

for (const [name, outcome, prefilled, held] of OUTCOMES) {
  test(`after ${name} the prompt is ${held ? 'held' : 'not held'}, and nothing is in flight or queued`, async (t) => {
    const house = createHouse({ endpoints: 1 });
    const assigned = assign(house, house.chat([LONG]));
    t.ok(house.status(0).queuedPromptTokens > 700);
    t.equal(house.status(0).inFlight, 1);
    if (prefilled) {
      house.dispatcher.firstToken(assigned.attempt);
      t.equal(house.status(0).queuedPromptTokens, 0, 'the first token ends the queueing');
    }
    house.dispatcher.finish(assigned.attempt, outcome);
    t.match(house.status(0), { inFlight: 0, queuedPromptTokens: 0 });
    t.equal(house.status(0).index.blocks > 0, held);
  });
}

test('a reset in the middle of one answer forgets what others had put there', async (t) => {
  const house = createHouse({ endpoints: 1 });
  serve(house, house.chat(['another conversation']));
  const assigned = assign(house, house.chat([LONG]));
  house.dispatcher.firstToken(assigned.attempt);
  house.dispatcher.finish(assigned.attempt, { kind: 'reset', stale: false });
  t.equal(house.status(0).index.blocks, 0);
});

test('a refused connection takes the endpoint out of rotation and forgets it', async (t) => {
  const house = createHouse({ endpoints: 2 });
  const first = serve(house, house.chat([LONG]));
  const again = assign(house, house.chat([LONG]));
  t.equal(again.endpoint.id, first.endpoint.id);
  house.dispatcher.finish(again.attempt, { kind: 'unreachable', refused: true });
  t.not(assign(house, house.chat([LONG])).endpoint.id, first.endpoint.id);
});

test('an attempt is finished once: a second finish is an error and changes nothing', async (t) => {
  const house = createHouse({ endpoints: 1 });
  const one = assign(house, house.chat(['a']));
  assign(house, house.chat(['b']));
  house.dispatcher.finish(one.attempt, complete());
  t.throws(() => house.dispatcher.finish(one.attempt, complete()), /finished twice/);
  t.equal(house.status(0).inFlight, 1);
});

test('a request weighs as many as the sequences that it makes', async (t) => {
  const house = createHouse({ endpoints: 1 });
  const assigned = assign(house, house.chat(['a'], { n: 4 }));
  t.equal(house.status(0).inFlight, 4);
  house.dispatcher.finish(assigned.attempt, complete());
  t.equal(house.status(0).inFlight, 0);
});

test('a request for very many sequences weighs no more than one for 16: alone it takes no endpoint from all others', async (t) => {
  const house = createHouse({ endpoints: 1 });
  const assigned = assign(house, house.chat(['a'], { n: 16_384 }));
  t.equal(house.status(0).inFlight, 16);
  t.equal(assign(house, house.chat(['b'])).kind, 'assigned');
  house.dispatcher.finish(assigned.attempt, complete());
  t.equal(house.status(0).inFlight, 1);
});

test('a listener that does not record leaves no trace in the index', async (t) => {
  const house = createHouse({ endpoints: 1 });
  serve(house, house.chat([LONG]), 'silent');
  t.equal(house.status(0).index.blocks, 0);
  serve(house, house.chat([LONG]), 'baseline');
  t.ok(house.status(0).index.blocks > 0, 'a listener without prefix policy records all the same');
});

test('predicted and reported tokens are summed for answers that report', async (t) => {
  const house = createHouse({ endpoints: 1 });
  serve(house, house.chat([LONG]));
  const assigned = assign(house, house.chat([LONG]));
  house.dispatcher.finish(assigned.attempt, complete({ promptTokens: 800, completionTokens: 5, cachedTokens: 704 }));
  const { predictedCachedTokens } = assigned;
  const errorTokens = Math.abs(predictedCachedTokens - 704);
  const errorRatio = errorTokens / 800;
  t.same(house.status(0).reported, { answers: 1, promptTokens: 800, predictedCachedTokens, cachedTokens: 704, errorTokens, errorRatio, recentErrorRatio: errorRatio });
});

test('no endpoint is asked beyond the limit of the whole router', async (t) => {
  const house = createHouse({ settings: { admission: { ...ADMISSION, inFlightMax: 2 } } });
  const one = assign(house, house.chat(['a']));
  assign(house, house.chat(['b']));
  t.match(house.dispatcher.assign({ facts: house.chat(['c']), listener: 'prefix', excluded: [] }), { kind: 'refused', status: 503, reason: 'overloaded', retryAfterS: 1 });
  house.dispatcher.finish(one.attempt, complete());
  t.equal(assign(house, house.chat(['c'])).kind, 'assigned');
});

test('requests that are not read go to the endpoint with the least in-flight', async (t) => {
  const house = createHouse({ endpoints: 3 });
  const ids = [0, 1, 2].map(() => assign(house, { kind: 'by-load' }).endpoint.id);
  t.equal(new Set(ids).size, 3);
});

test('what continues a stored answer goes to the endpoint that gave it, while it is there', async (t) => {
  const house = createHouse({ endpoints: 3 });
  const first = assign(house, house.chat(['a']));
  house.dispatcher.firstToken(first.attempt, 'resp_1');
  for (let i = 0; i < 10; i++) {
    t.equal(assign(house, { kind: 'stored-response', responseId: 'resp_1' }).endpoint.id, first.endpoint.id);
    t.equal(assign(house, { ...house.chat([`${i}`]), previousResponseId: 'resp_1' }).endpoint.id, first.endpoint.id);
  }
  house.pools.byId(first.endpoint.id)!.noteUnreachable();
  t.not(assign(house, { kind: 'stored-response', responseId: 'resp_1' }).endpoint.id, first.endpoint.id, 'else by load');
});

test('a stored answer is asked of the endpoint that gave it, also where its pool takes nothing by load', async (t) => {
  const house = createHouse({ endpoints: 3, pool: { byLoad: false } });
  const first = assign(house, house.chat(['a']));
  house.dispatcher.firstToken(first.attempt, 'resp_1');
  for (let i = 0; i < 5; i++) t.equal(assign(house, { kind: 'stored-response', responseId: 'resp_1' }).endpoint.id, first.endpoint.id);
  t.match(house.dispatcher.assign({ facts: { kind: 'by-load' }, listener: 'prefix', excluded: [] }), { kind: 'refused' });
});

test('an endpoint that others use too is charged with their requests', async (t) => {
  const house = createHouse({ endpoints: 2, pool: { shared: true } });
  house.endpoint(0).noteSample({ ...SAMPLE, running: 5, waiting: 1 });
  for (let i = 0; i < 5; i++) t.equal(assign(house, house.chat([`${i}`])).endpoint.id, house.endpoint(1).address.id);
});

test('an endpoint at its limit is not chosen, and nobody is told to wait for ever', async (t) => {
  const house = createHouse({ endpoints: 2, pool: { inFlightMax: 1 } });
  const ids = [assign(house, house.chat(['a'])), assign(house, house.chat(['a']))].map(({ endpoint }) => endpoint.id);
  t.equal(new Set(ids).size, 2);
  t.match(house.dispatcher.assign({ facts: house.chat(['a']), listener: 'prefix', excluded: [] }), { status: 503, reason: 'overloaded', retryAfterS: 1 });
});

test('a retry leaves out the endpoints that were tried', async (t) => {
  const house = createHouse({ endpoints: 2 });
  const first = serve(house, house.chat([LONG]));
  for (let i = 0; i < 10; i++) t.not(assign(house, house.chat([LONG]), 'prefix', [first.endpoint.id]).endpoint.id, first.endpoint.id);
});

test('conversations behind one system prompt spread over all endpoints once the cache of the first is full', async (t) => {
  const house = createHouse({ endpoints: 4 });
  for (let i = 0; i < 4; i++) house.endpoint(i).noteSample({ ...SAMPLE, capacityTokens: 2000 });
  const used = new Set<string>();
  for (let i = 0; i < 100; i++) used.add(serve(house, house.chat([LONG, 'ok', `${i}: ${'a question of its own '.repeat(20)}`])).endpoint.id);
  t.equal(used.size, 4);
});
