// What follows from each outcome.

import { test } from 'tap';
import type { Outcome } from '../../../src/core/dispatcher.ts';
import { again, answerTo, recordedOutcome, sentence } from '../../../src/proxy/retry.ts';

const OUTCOMES: readonly (readonly [Outcome, string, ReturnType<typeof again>])[] = [
  [{ kind: 'complete', usage: undefined, responseId: undefined }, 'complete', undefined],
  [{ kind: 'rejected', status: 503, because: 'other' }, 'error', undefined],
  [{ kind: 'unreachable', refused: true }, 'error', { reason: 'unreachable', elsewhere: true }],
  [{ kind: 'unreachable', refused: false }, 'error', { reason: 'unreachable', elsewhere: true }],
  [{ kind: 'reset', stale: true }, 'error', { reason: 'stale', elsewhere: false }],
  [{ kind: 'reset', stale: false }, 'error', { reason: 'reset', elsewhere: true }],
  [{ kind: 'truncated' }, 'truncated', undefined],
  [{ kind: 'failed' }, 'error', undefined],
  [{ kind: 'timeout', limit: 'first_byte_ms' }, 'error', undefined],
  [{ kind: 'client_gone' }, 'client_gone', undefined],
];

for (const [outcome, recorded, next] of OUTCOMES) {
  test(`${JSON.stringify(outcome)} counts as ${recorded} and is ${next === undefined ? 'not tried again' : `tried again ${next.elsewhere ? 'elsewhere' : 'there'}`}`, (t) => {
    t.equal(recordedOutcome(outcome), recorded);
    t.same(again(outcome, false, { attempts: 1, stale: 0 }, 2), next);
    t.equal(again(outcome, true, { attempts: 1, stale: 0 }, 2), undefined, 'never after the commit');
    if (next?.reason !== 'stale') t.equal(again(outcome, false, { attempts: 2, stale: 0 }, 2), undefined, 'never beyond the attempts');
    t.equal(again(outcome, false, { attempts: 1, stale: 0 }, 1), undefined, 'never where retries are off');
    t.equal(sentence(outcome) === '', outcome.kind === 'complete');
    t.end();
  });
}

test('a client is told 504 when time was over, else 502', (t) => {
  t.match(answerTo({ kind: 'timeout', limit: 'idle_ms' }), { status: 504, code: 'upstream_timeout', message: /idle_ms/ });
  t.match(answerTo({ kind: 'reset', stale: false }), { status: 502, code: 'upstream_error' });
  t.end();
});

test('a closed idle connection is tried again there once and costs no attempt', (t) => {
  const stale: Outcome = { kind: 'reset', stale: true };
  t.same(again(stale, false, { attempts: 2, stale: 1 }, 2), { reason: 'reset', elsewhere: true }, 'twice in a row is more than an idle connection');
  t.same(again({ kind: 'unreachable', refused: true }, false, { attempts: 2, stale: 1 }, 2), { reason: 'unreachable', elsewhere: true });
  t.equal(again({ kind: 'unreachable', refused: true }, false, { attempts: 3, stale: 1 }, 2), undefined);
  t.end();
});
