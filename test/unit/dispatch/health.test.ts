// health.test.ts: what the ends of attempts do to their endpoint.

import { test } from 'tap';
import type { Assignment, Outcome } from '../../../src/core/dispatcher.ts';
import { createHouse, type House } from './house.ts';

const COMPLETE: Outcome = { kind: 'complete', usage: undefined, responseId: undefined };
const BROKEN: Outcome = { kind: 'rejected', status: 500, because: 'other' };

const only = (errorsInRow: number): House => createHouse({ endpoints: 1, pool: { ejection: { errorsInRow, errorRatio: 0.5, requestsMin: 20, windowMs: 10_000, baseMs: 10_000, maxMs: 300_000 } } });

function assign(house: House): Assignment {
  return house.dispatcher.assign({ facts: house.chat(['hello']), listener: 'prefix', excluded: [] }) as Assignment;
}

test('an answer counts once, however much was heard of it', async (t) => {
  const house = only(0);
  for (let i = 0; i < 10; i += 1) {
    const { attempt } = assign(house);
    house.dispatcher.firstToken(attempt);
    house.dispatcher.finish(attempt, COMPLETE);
    t.equal(house.status(0).ejections, 0);
    house.dispatcher.finish(assign(house).attempt, BROKEN);
  }
  t.match(house.status(0), { ejections: 1, unavailableBecause: 'ejected' }, '10 of 20 failed');
});

test('what is forwarded unread counts as answered when it is complete', async (t) => {
  const house = only(3);
  for (let i = 0; i < 10; i += 1) {
    for (const outcome of [BROKEN, BROKEN, COMPLETE]) {
      const { attempt } = house.dispatcher.assign({ facts: { kind: 'by-load' }, listener: 'prefix', excluded: [] }) as Assignment;
      house.dispatcher.finish(attempt, outcome);
    }
    house.nowMs += 10_000;
  }
  t.equal(house.status(0).ejections, 0);
});

test("an endpoint that fails is ejected, one that refuses for the client's mistake or whose client left is not", async (t) => {
  for (const [outcome, ejections] of [
    [BROKEN, 1],
    [{ kind: 'timeout', limit: 'first_byte_ms' }, 1],
    [{ kind: 'reset', stale: false }, 1],
    [{ kind: 'unreachable', refused: false }, 1],
    [{ kind: 'rejected', status: 500, because: 'draining' }, 1],
    [{ kind: 'rejected', status: 500, because: 'engine_dead' }, 1],
    [{ kind: 'reset', stale: true }, 0],
    [{ kind: 'rejected', status: 400, because: 'other' }, 0],
    [{ kind: 'rejected', status: 503, because: 'overloaded' }, 0],
    [{ kind: 'client_gone' }, 0],
    [{ kind: 'lost' }, 0],
  ] as const) {
    const house = only(3);
    const attempts = [assign(house), assign(house), assign(house)];
    for (const { attempt } of attempts) house.dispatcher.finish(attempt, outcome);
    t.equal(house.status(0).ejections, ejections, JSON.stringify(outcome));
  }
});

test('an endpoint that breaks every stream after its first token is ejected, by the share that fails', async (t) => {
  const house = only(3);
  for (let i = 0; i < 20; i += 1) {
    t.equal(house.status(0).ejections, 0, `${i} streams`);
    const { attempt } = assign(house);
    house.dispatcher.firstToken(attempt);
    house.dispatcher.finish(attempt, { kind: 'truncated' });
  }
  t.equal(house.status(0).ejections, 1);
});

test('requests given up at an endpoint whose scrapes fail while its probes succeed count as failed', async (t) => {
  const house = createHouse({ endpoints: 2, pool: { ejection: { errorsInRow: 3, errorRatio: 0.5, requestsMin: 20, windowMs: 10_000, baseMs: 10_000, maxMs: 300_000 } } });
  const [stuck, well] = [house.endpoint(0), house.endpoint(1)];
  stuck.noteSample({ atMs: 0, running: 0, waiting: 0, kvUsage: 0, asleep: false, steps: 1, blockSize: 16, capacityTokens: 1e5, prefixCaching: true, prefixQueriesTotal: 0, prefixHitsTotal: 0, processStartS: 1 } as never);
  house.nowMs = 1000;
  for (let i = 0; i < 3; i += 1) stuck.noteScrapeFailed(house.nowMs);
  house.nowMs = 2000;
  well.noteHeard(house.nowMs);
  t.equal(stuck.standing(), 'stuck');
  for (let i = 0; i < 3; i += 1) {
    t.equal(house.status(0).ejections, 0);
    const { attempt } = house.dispatcher.assign({ facts: house.chat(['hello']), listener: 'prefix', excluded: [well.address.id] }) as Assignment;
    house.dispatcher.finish(attempt, { kind: 'lost' });
  }
  t.equal(house.status(0).ejections, 1);
});
