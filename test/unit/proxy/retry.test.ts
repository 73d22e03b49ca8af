// What follows from each outcome.

import { test } from 'tap';
import type { Outcome, RejectedBecause } from '../../../src/core/dispatcher.ts';
import { again, answerTo, isLost, recordedOutcome, sentence, shouldRetry, type Again } from '../../../src/proxy/retry.ts';

const rejected = (status: number, because: RejectedBecause): Outcome => ({ kind: 'rejected', status, because });
const elsewhere = (reason: Again['reason'], budget: Again['budget']): Again => ({ reason, elsewhere: true, budget });

const OUTCOMES: readonly (readonly [Outcome, string, Again | undefined])[] = [
  [{ kind: 'complete', usage: undefined, responseId: undefined }, 'complete', undefined],
  [rejected(500, 'other'), 'error', undefined],
  [rejected(400, 'other'), 'error', undefined],
  [rejected(429, 'overloaded'), 'error', undefined],
  [rejected(503, 'overloaded'), 'error', elsewhere('overloaded', 'budgeted')],
  [rejected(500, 'draining'), 'error', elsewhere('draining', 'budgeted')],
  [rejected(500, 'engine_dead'), 'error', elsewhere('engine_dead', 'budgeted')],
  [rejected(502, 'first_event'), 'error', elsewhere('first_event', 'budgeted')],
  [{ kind: 'aborted' }, 'error', elsewhere('aborted', 'budgeted')],
  [{ kind: 'lost' }, 'error', elsewhere('lost', 'free')],
  [{ kind: 'unreachable', refused: true }, 'error', elsewhere('unreachable', 'free')],
  [{ kind: 'unreachable', refused: false }, 'error', elsewhere('unreachable', 'free')],
  [{ kind: 'reset', stale: true }, 'error', { reason: 'stale', elsewhere: false, budget: 'free' }],
  [{ kind: 'reset', stale: false }, 'error', elsewhere('reset', 'free')],
  [{ kind: 'truncated' }, 'truncated', undefined],
  [{ kind: 'failed' }, 'error', undefined],
  [{ kind: 'timeout', limit: 'first_byte_ms' }, 'error', elsewhere('first_byte', 'budgeted')],
  [{ kind: 'timeout', limit: 'idle_ms' }, 'error', undefined],
  [{ kind: 'timeout', limit: 'total_ms' }, 'error', undefined],
  [{ kind: 'client_gone' }, 'client_gone', undefined],
];

for (const [outcome, recorded, next] of OUTCOMES) {
  test(`${JSON.stringify(outcome)} counts as ${recorded} and is ${next === undefined ? 'not tried again' : `tried again ${next.elsewhere ? 'elsewhere' : 'there'}, ${next.budget}`}`, (t) => {
    t.equal(recordedOutcome(outcome), recorded);
    t.same(again(outcome, false, { attempts: 1, reasons: [] }, 2), next);
    t.equal(again(outcome, true, { attempts: 1, reasons: [] }, 2), undefined, 'never after the commit');
    if (next?.reason !== 'stale') t.equal(again(outcome, false, { attempts: 2, reasons: ['reset'] }, 2), undefined, 'never beyond the attempts');
    t.equal(again(outcome, false, { attempts: 1, reasons: [] }, 1), undefined, 'never where retries are off');
    if (next?.elsewhere === true) {
      t.same(again(outcome, false, { attempts: 2, reasons: [next.reason] }, 3), { ...next, budget: 'budgeted' }, 'free once for each reason');
      t.same(again(outcome, false, { attempts: 2, reasons: [next.reason === 'reset' ? 'lost' : 'reset'] }, 3), next);
    }
    t.equal(sentence(outcome) === '', outcome.kind === 'complete');
    t.end();
  });
}

test('a client is told 504 when time was over, else 502', (t) => {
  const once = { attempts: 1, reasons: [] };
  t.match(answerTo({ kind: 'timeout', limit: 'idle_ms' }, once), { status: 504, code: 'upstream_timeout', message: /idle_ms/ });
  t.match(answerTo({ kind: 'reset', stale: false }, once), { status: 502, code: 'upstream_error' });
  t.end();
});

test('a closed idle connection is tried again there once and costs no attempt', (t) => {
  const stale: Outcome = { kind: 'reset', stale: true };
  t.same(again(stale, false, { attempts: 2, reasons: ['stale'] }, 2), elsewhere('reset', 'free'), 'twice in a row is more than an idle connection');
  t.same(again({ kind: 'unreachable', refused: true }, false, { attempts: 2, reasons: ['stale'] }, 2), elsewhere('unreachable', 'free'));
  t.equal(again({ kind: 'unreachable', refused: true }, false, { attempts: 3, reasons: ['stale', 'reset'] }, 2), undefined);
  t.end();
});

test('SDKs are told not to repeat what was tried twice or waited for, and nothing about what was tried once', (t) => {
  const reset: Outcome = { kind: 'reset', stale: false };
  t.equal(shouldRetry(reset, { attempts: 1, reasons: [] }), undefined);
  t.equal(shouldRetry(reset, { attempts: 2, reasons: ['stale'] }), undefined, 'a closed idle connection was no try');
  t.equal(shouldRetry(reset, { attempts: 2, reasons: ['overloaded'] }), false);
  t.equal(shouldRetry({ kind: 'timeout', limit: 'first_byte_ms' }, { attempts: 1, reasons: [] }), false);
  t.end();
});

test('a silent attempt is lost after two seconds, when its endpoint is gone, or stuck without having begun', (t) => {
  for (const committed of [false, true]) {
    t.equal(isLost('gone', 1999, committed), false);
    t.equal(isLost('gone', 2000, committed), true);
    t.equal(isLost('stuck', 1999, committed), false);
    t.equal(isLost('stuck', 2000, committed), !committed);
    t.equal(isLost('up', 1_000_000, committed), false);
  }
  t.end();
});
