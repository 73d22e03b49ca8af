// Requests that find every endpoint full.

import { test } from 'tap';
import type { Assignment, Refusal, Waiting } from '../../../src/core/dispatcher.ts';
import type { Criticality, RequestFacts } from '../../../src/core/request.ts';
import { ADMISSION, createHouse, type House } from './house.ts';

const COMPLETE = { kind: 'complete', usage: undefined, responseId: undefined } as const;
const route = (name: string, criticality: Criticality, model = 'm') => ({ name, criticality, targets: [{ pool: 'pool', model, weight: 100 }] });
const ROUTES = [route('first', 'critical'), route('then', 'standard'), route('last', 'sheddable')];

interface Asked {
  readonly now: Assignment | Refusal | Waiting;
  /** What came of waiting; more than one would be a mistake. */
  readonly later: (Assignment | Refusal)[];
}

function ask(house: House, facts: RequestFacts, bodyBytes = 0): Asked {
  const later: (Assignment | Refusal)[] = [];
  return { now: house.dispatcher.assign({ facts, listener: 'prefix', excluded: [], bodyBytes }, (result) => later.push(result)), later };
}

function crowdedHouse(options: Parameters<typeof createHouse>[0] = {}): { readonly house: House; readonly running: Assignment } {
  const house = createHouse({ endpoints: 1, ...options, pool: { inFlightMax: 1, ...options.pool } });
  const running = house.dispatcher.assign({ facts: house.chat(['x'], options.settings?.models === undefined ? {} : { model: 'then' }), listener: 'prefix', excluded: [] });
  if (running.kind !== 'assigned') throw new Error(running.message);
  return { house, running };
}

test('who finds every endpoint full waits for a slot, and gets the next one', async (t) => {
  const { house, running } = crowdedHouse();
  const waiting = ask(house, house.chat(['a']), 10);
  t.match(waiting.now, { kind: 'waiting' });
  t.same(house.dispatcher.waiting, { requests: 1, bytes: 10 });
  t.same(waiting.later, []);
  house.dispatcher.finish(running.attempt, COMPLETE);
  t.match(waiting.later, [{ kind: 'assigned', endpoint: running.endpoint }]);
  t.same(house.dispatcher.waiting, { requests: 0, bytes: 0 });
  t.equal(house.endpoint(0).inFlight, 1, 'the slot is taken at once');
});

test('the important come first, then those who came first', async (t) => {
  const { house, running } = crowdedHouse({ settings: { models: ROUTES } });
  const order: string[] = [];
  for (const model of ['last', 'then', 'first', 'then', 'first']) {
    const name = `${model}${order.length}`;
    house.dispatcher.assign({ facts: house.chat([name], { model }), listener: 'prefix', excluded: [] }, (result) => order.push(result.kind === 'assigned' ? `${model} ${result.attempt}` : result.reason));
  }
  let { attempt } = running;
  for (let i = 0; i < 5; i++) {
    house.dispatcher.finish(attempt, COMPLETE);
    attempt = Number(order[i]!.split(' ')[1]);
  }
  t.same(order.map((each) => each.split(' ')[0]), ['first', 'first', 'then', 'then', 'last']);
});

test('nobody overtakes those who wait', async (t) => {
  const house = createHouse({ endpoints: 2, pool: { inFlightMax: 1 } });
  house.endpoint(1).noteUnreachable();
  house.dispatcher.assign({ facts: house.chat(['x']), listener: 'prefix', excluded: [] });
  const first = ask(house, house.chat(['a']));
  house.endpoint(1).noteProbeSucceeded(house.nowMs);
  const second = ask(house, house.chat(['b']));
  t.match(first.later, [{ kind: 'assigned' }], 'the new request finds that there is a slot, and it goes to the old one');
  t.match(second.now, { kind: 'waiting' });
});

test('those who wait hear of an endpoint that comes back, without an attempt having ended', async (t) => {
  const house = createHouse({ endpoints: 2, pool: { inFlightMax: 1 } });
  house.endpoint(1).noteUnreachable();
  house.dispatcher.assign({ facts: house.chat(['x']), listener: 'prefix', excluded: [] });
  const waiting = ask(house, house.chat(['a']));
  house.pass(500);
  t.same(waiting.later, []);
  house.endpoint(1).noteProbeSucceeded(house.nowMs);
  house.pass(100);
  t.match(waiting.later, [{ kind: 'assigned', endpoint: house.endpoint(1).address }]);
});

test('who has waited as long as may be is told so, once, with a time to come back', async (t) => {
  const { house, running } = crowdedHouse();
  const waiting = ask(house, house.chat(['a']));
  house.pass(ADMISSION.queueWaitMaxMs - 100);
  t.same(waiting.later, []);
  house.pass(200);
  t.match(waiting.later, [{ kind: 'refused', status: 503, reason: 'queue_timeout', retryAfterS: 1, message: /queue_wait_max_ms \(1000 ms\)/ }]);
  house.dispatcher.finish(running.attempt, COMPLETE);
  house.pass(5000);
  t.equal(waiting.later.length, 1);
});

test('who leaves the queue is never sent and never told', async (t) => {
  const { house, running } = crowdedHouse();
  const gone = ask(house, house.chat(['a']), 7);
  const next = ask(house, house.chat(['b']), 5);
  house.dispatcher.leave((gone.now as Waiting).ticket);
  t.same(house.dispatcher.waiting, { requests: 1, bytes: 5 });
  house.dispatcher.finish(running.attempt, COMPLETE);
  house.pass(5000);
  t.same(gone.later, []);
  t.match(next.later, [{ kind: 'assigned' }]);
  t.equal(house.endpoint(0).inFlight, 1);
});

test('a full queue refuses, but the important take the room of others', async (t) => {
  const { house } = crowdedHouse({ settings: { models: ROUTES, admission: { ...ADMISSION, queueLengthMax: 2 } } });
  const sheddable = ask(house, house.chat(['a'], { model: 'last' }));
  const standard = ask(house, house.chat(['b'], { model: 'then' }));
  t.match(ask(house, house.chat(['c'], { model: 'last' })).now, { kind: 'refused', status: 503, reason: 'overloaded', retryAfterS: 1 });
  t.match(ask(house, house.chat(['d'], { model: 'first' })).now, { kind: 'waiting' });
  t.match(sheddable.later, [{ kind: 'refused', status: 503, reason: 'shed' }]);
  t.same(standard.later, []);
  t.match(ask(house, house.chat(['e'], { model: 'then' })).now, { kind: 'refused', reason: 'overloaded' });
});

test('bodies that wait are bounded in bytes', async (t) => {
  const { house } = crowdedHouse({ settings: { admission: { ...ADMISSION, queueBytesMax: 100 } } });
  t.match(ask(house, house.chat(['a']), 60).now, { kind: 'waiting' });
  t.match(ask(house, house.chat(['b']), 60).now, { kind: 'refused', reason: 'overloaded' });
  t.match(ask(house, house.chat(['c']), 40).now, { kind: 'waiting' });
});

test('the limit of the whole router makes wait too, but nobody waits to hear that a model is unknown', async (t) => {
  const house = createHouse({ endpoints: 2, settings: { admission: { ...ADMISSION, inFlightMax: 1 } } });
  const running = ask(house, house.chat(['x'])).now as Assignment;
  const waiting = ask(house, house.chat(['a']));
  t.match(waiting.now, { kind: 'waiting' });
  t.match(ask(house, house.chat(['b'], { model: 'nobody' })).now, { kind: 'refused', status: 404 });
  house.dispatcher.finish(running.attempt, COMPLETE);
  t.match(waiting.later, [{ kind: 'assigned' }]);
});

test('a pool that is full holds up nobody who wants another model', async (t) => {
  const house = createHouse({ endpoints: 2, pool: { inFlightMax: 1 } });
  house.endpoint(1).noteModels([{ id: 'n', parent: undefined }]);
  const forM = ask(house, house.chat(['x'])).now as Assignment;
  const forN = ask(house, house.chat(['x'], { model: 'n' })).now as Assignment;
  const m = ask(house, house.chat(['a']));
  const n = ask(house, house.chat(['b'], { model: 'n' }));
  house.dispatcher.finish(forN.attempt, COMPLETE);
  t.match(n.later, [{ kind: 'assigned' }]);
  t.same(m.later, []);
  house.dispatcher.finish(forM.attempt, COMPLETE);
  t.match(m.later, [{ kind: 'assigned' }]);
});

test('nobody waits where no endpoint is there', async (t) => {
  const house = createHouse({ endpoints: 1 });
  house.endpoint(0).noteUnreachable();
  t.match(ask(house, house.chat(['a'])).now, { kind: 'refused', status: 503, reason: 'no_endpoint_available', retryAfterS: 1 });
});

const SAMPLE = { atMs: 0, running: 9, waiting: 0, kvUsage: 0.5, blockSize: 16, capacityTokens: 1e5, prefixCaching: true, prefixQueriesTotal: 0, prefixHitsTotal: 0, asleep: false, stepsTotal: undefined, processStartS: 1 };

test('the sheddable are refused while every endpoint has requests waiting or its cache full, others are not', async (t) => {
  const house = createHouse({ endpoints: 2, settings: { models: ROUTES } });
  const asked = (model: string) => ask(house, house.chat(['a'], { model })).now;
  house.endpoint(0).noteSample({ ...SAMPLE, waiting: 3 });
  t.match(asked('last'), { kind: 'assigned' }, 'one has room');
  house.endpoint(1).noteSample({ ...SAMPLE, kvUsage: 0.97 });
  t.match(asked('last'), { kind: 'refused', status: 503, reason: 'shed', retryAfterS: 1 });
  t.match(asked('then'), { kind: 'assigned' });
  house.endpoint(0).noteSample(SAMPLE);
  t.match(asked('last'), { kind: 'assigned' });
});

test('a retry that takes from the budget is refused when there is none left, a free one is not', async (t) => {
  const house = createHouse();
  const retry = (kind: 'free' | 'budgeted') => house.dispatcher.assign({ facts: house.chat(['a']), listener: 'prefix', excluded: [house.endpoint(0).address.id], retry: kind });
  for (let i = 0; i < 3; i++) t.match(retry('budgeted'), { kind: 'assigned' });
  t.match(retry('budgeted'), { kind: 'refused', reason: 'retry_budget' });
  t.match(retry('free'), { kind: 'assigned' });
});

test('new settings hold from the next request on, and for those who wait', async (t) => {
  const { house } = crowdedHouse();
  const waiting = ask(house, house.chat(['a']));
  house.dispatcher.reconfigure({ listeners: [{ name: 'prefix', policy: 'random', record: true }], models: [], prefix: { kvCacheTokens: 'auto', bytesPerToken: 4, matchRatioMin: 0.5, tenantEndpointsRatio: 1 }, admission: { ...ADMISSION, queueWaitMaxMs: 100 }, retry: { budgetRatio: 0, budgetMin: 0 } });
  house.pass(150);
  t.match(waiting.later, [{ reason: 'queue_timeout' }]);
});

test('a retry that waits for others than the rest holds up nobody, and nobody overtakes those behind it', async (t) => {
  const house = createHouse({ endpoints: 2, pool: { inFlightMax: 1 } });
  const [a, b] = [house.endpoint(0).address.id, house.endpoint(1).address.id];
  const running = [ask(house, house.chat(['x'])).now, ask(house, house.chat(['y'])).now] as Assignment[];
  const retried: (Assignment | Refusal)[] = [];
  house.dispatcher.assign({ facts: house.chat(['r']), listener: 'prefix', excluded: [a], retry: 'free' }, (result) => retried.push(result));
  const behind = ask(house, house.chat(['w']));
  house.dispatcher.finish(running.find(({ endpoint }) => endpoint.id === a)!.attempt, COMPLETE);
  t.match(behind.later, [{ kind: 'assigned', endpoint: { id: a } }]);
  t.same(retried, []);
  house.dispatcher.finish(running.find(({ endpoint }) => endpoint.id === b)!.attempt, COMPLETE);
  t.match(retried, [{ kind: 'assigned', endpoint: { id: b } }]);
});

test('a retry waits for nobody where only those are full that it has tried', async (t) => {
  const house = createHouse({ endpoints: 2, pool: { inFlightMax: 1 } });
  house.endpoint(1).noteUnreachable();
  const running = ask(house, house.chat(['x'])).now as Assignment;
  t.match(house.dispatcher.assign({ facts: house.chat(['r']), listener: 'prefix', excluded: [running.endpoint.id], retry: 'free' }, () => t.fail('it does not wait')), { kind: 'refused', reason: 'no_endpoint_available' });
});
