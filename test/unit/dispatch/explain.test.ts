import { test } from 'tap';
import { seededRandom } from '../../../src/core/random.ts';
import type { Assignment, Outcome } from '../../../src/core/dispatcher.ts';
import { ADMISSION, createHouse, type House } from './house.ts';

const TEXT = 'All happy families are alike; each unhappy family is unhappy in its own way. ';
const STATES = 1000;
const LISTENERS = ['prefix', 'threshold', 'baseline', 'silent', 'turns', 'chance'];
const OUTCOMES: readonly Outcome[] = [
  { kind: 'complete', usage: { promptTokens: 300, completionTokens: 20, cachedTokens: 64 }, responseId: undefined },
  { kind: 'complete', usage: undefined, responseId: undefined },
  { kind: 'rejected', status: 500, because: 'other' },
  { kind: 'reset', stale: false },
  { kind: 'client_gone' },
];

function conversation(random: () => number): string[] {
  const who = Math.floor(random() * 5);
  return Array.from({ length: 1 + 2 * Math.floor(random() * 3) }, (_, turn) => `${who}.${turn} ${TEXT.repeat(1 + who * 3)}`);
}

/** Everything that can be seen of a house. */
function visible(house: House): unknown {
  return house.pools.all().map((_, i) => house.status(i));
}

test('of 1,000 random states the dry run tells the choice that is made, and changes nothing', async (t) => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const random = seededRandom(seed);
  let house = createHouse();
  let running: Assignment[] = [];
  let chosen = 0;
  for (let state = 0; state < STATES; state++) {
    if (state % 50 === 0) {
      house = createHouse({ endpoints: 1 + Math.floor(random() * 9), pool: { inFlightMax: 1 + Math.floor(random() * 8), slowStartMs: random() < 0.5 ? 0 : 5000 } });
      running = [];
    }
    house.nowMs += Math.floor(random() * 400);
    for (const endpoint of house.pools.all()) endpoint.drainedByAdmin = random() < 0.1;
    const ask = {
      facts: house.chat(conversation(random)),
      listener: LISTENERS[Math.floor(random() * LISTENERS.length)]!,
      excluded: house.pools.all().map(({ address }) => address.id).filter(() => random() < 0.1),
    };
    const before = visible(house);
    const explained = house.dispatcher.explain(ask);
    house.dispatcher.explain(ask);
    t.same(visible(house), before, `nothing changes, seed ${seed}`);
    const { latest } = house.dispatcher.choices;
    const made = house.dispatcher.assign(ask);
    if (explained.decision !== 'chosen') {
      t.equal(made.kind, 'refused', `seed ${seed}, state ${state}: ${explained.sentence}`);
    } else if (made.kind === 'refused') {
      t.fail(`seed ${seed}, state ${state}: ${made.message}`);
    } else {
      chosen += 1;
      const kept = house.dispatcher.choices.read(latest + 1)!;
      t.equal(made.endpoint.id, explained.endpoint, `seed ${seed}, state ${state}: ${explained.sentence}`);
      t.equal(made.predictedCachedTokens, explained.predictedCachedTokens);
      t.same([kept.endpoint, kept.runnerUp, kept.sentence, kept.considered], [explained.endpoint, explained.runnerUp, explained.sentence, explained.considered]);
      running.push(made);
    }
    while (running.length > 0 && random() < 0.6) {
      const [over] = running.splice(Math.floor(random() * running.length), 1);
      if (random() < 0.7) house.dispatcher.firstToken(over!.attempt);
      house.dispatcher.finish(over!.attempt, OUTCOMES[Math.floor(random() * OUTCOMES.length)]!);
    }
  }
  t.ok(chosen > STATES / 3, `${chosen} choices were compared`);
});

test('so it does where requests wait, give way to others, or continue an answer that one endpoint has', async (t) => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const random = seededRandom(seed);
  const models = (['critical', 'sheddable'] as const).map((criticality) => ({ name: criticality, criticality, targets: [{ pool: 'pool', model: 'm', weight: 1 }] }));
  const seen = { chosen: 0, waits: 0, refused: 0 };
  let house = createHouse();
  let running: Assignment[] = [];
  for (let state = 0; state < STATES; state++) {
    if (state % 50 === 0) {
      const admission = { ...ADMISSION, inFlightMax: 3 + Math.floor(random() * 9), queueLengthMax: 3, queueBytesMax: 1e6 };
      house = createHouse({ endpoints: 1 + Math.floor(random() * 4), pool: { inFlightMax: 1 + Math.floor(random() * 3) }, settings: { models, admission } });
      running = [];
    }
    house.nowMs += Math.floor(random() * 20);
    for (const endpoint of house.pools.all()) {
      endpoint.drainedByAdmin = random() < 0.2;
      endpoint.noteSample({ atMs: house.nowMs, running: 1, waiting: random() < 0.6 ? 1 : 0, kvUsage: 0.5, blockSize: 16, capacityTokens: 1e5, prefixCaching: true, prefixQueriesTotal: 0, prefixHitsTotal: 0, asleep: false, stepsTotal: undefined, processStartS: 1 });
    }
    const facts = house.chat(conversation(random), { model: models[random() < 0.7 ? 0 : 1]!.name });
    const ask = { facts: { ...facts, previousResponseId: random() < 0.3 ? `resp-${Math.floor(random() * 5)}` : undefined }, listener: LISTENERS[Math.floor(random() * LISTENERS.length)]!, excluded: [] };
    const explained = house.dispatcher.explain(ask);
    const made = house.dispatcher.assign(ask, (settled) => void (settled.kind === 'assigned' && running.push(settled)));
    seen[explained.decision] += 1;
    const said = `seed ${seed}, state ${state}: ${explained.sentence}`;
    if (explained.decision === 'chosen') t.match(made, { kind: 'assigned', endpoint: { id: explained.endpoint } }, said);
    else if (explained.decision === 'refused') t.match(made, { kind: 'refused', message: explained.sentence }, said);
    else t.ok(made.kind === 'waiting' || (made.kind === 'refused' && made.reason === 'overloaded'), said);
    if (made.kind === 'assigned') running.push(made);
    while (running.length > 0 && random() < 0.5) {
      const [over] = running.splice(Math.floor(random() * running.length), 1);
      house.dispatcher.finish(over!.attempt, { kind: 'complete', usage: undefined, responseId: `resp-${Math.floor(random() * 5)}` });
    }
  }
  t.ok(Math.min(...Object.values(seen)) > STATES / 20, JSON.stringify(seen));
});

test('random numbers that a dry run has seen come again', async (t) => {
  const ids = (explains: boolean): string[] => {
    const house = createHouse({ endpoints: 8 });
    return Array.from({ length: 50 }, (_, i) => {
      const ask = { facts: house.chat([`${i}`]), listener: 'chance', excluded: [] };
      if (explains && i % 3 === 0) house.dispatcher.explain(ask);
      const made = house.dispatcher.assign(ask);
      return made.kind === 'assigned' ? made.endpoint.id : '';
    });
  };
  t.same(ids(true), ids(false));
});

test('who cannot take it says why, and so does a model that nobody serves', async (t) => {
  const house = createHouse({ endpoints: 2 });
  for (const endpoint of house.pools.all()) endpoint.drainedByAdmin = true;
  const none = house.dispatcher.explain({ facts: house.chat(['a']), listener: 'prefix', excluded: [] });
  t.match(none, { decision: 'refused', policy: 'prefix-cost', endpoint: undefined, considered: [{ because: 'draining' }, { because: 'draining' }] });
  const unknown = house.dispatcher.explain({ facts: house.chat(['a'], { model: 'nobody' }), listener: 'prefix', excluded: [] });
  t.match(unknown, { decision: 'refused', model: 'nobody', sentence: /does not exist/, considered: [] });
});

test('who would wait, and who gives way to others, is told so', async (t) => {
  const full = createHouse({ endpoints: 1, settings: { admission: { ...ADMISSION, inFlightMax: 1 } } });
  const ask = { facts: full.chat(['a']), listener: 'prefix', excluded: [] };
  t.equal(full.dispatcher.assign(ask).kind, 'assigned');
  t.match(full.dispatcher.explain(ask), { decision: 'waits', policy: 'prefix-cost', considered: [{ because: 'router full' }] });
  t.equal(full.dispatcher.waiting.requests, 0, 'and does not');
  const busy = createHouse({ endpoints: 1, pool: { inFlightMax: 1 } });
  busy.dispatcher.assign(ask);
  t.match(busy.dispatcher.explain(ask), { decision: 'waits', considered: [{ because: 'full' }] });
  const models = [{ name: 'm', criticality: 'sheddable' as const, targets: [{ pool: 'pool', model: 'm', weight: 1 }] }];
  const crowded = createHouse({ endpoints: 1, settings: { models } });
  crowded.endpoint(0).noteSample({ atMs: 0, running: 9, waiting: 9, kvUsage: 1, blockSize: 16, capacityTokens: 1e5, prefixCaching: true, prefixQueriesTotal: 0, prefixHitsTotal: 0, asleep: false, stepsTotal: undefined, processStartS: 1 });
  t.match(crowded.dispatcher.assign(ask), { kind: 'refused', reason: 'shed' });
  t.match(crowded.dispatcher.explain(ask), { decision: 'refused', considered: [{ because: 'gives way' }] });
});
