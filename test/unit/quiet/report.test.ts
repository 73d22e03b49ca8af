// report.test.ts: when a quiet run has reached its targets.

import { test } from 'tap';
import { reportOf } from '../../../bench/quiet/report.ts';
import type { Outcome, Way } from '../../../bench/quiet/ways.ts';

const outcome = (way: Way, hitRatio: number): Outcome => ({ way, requests: 400, hitRatio, meanTtftS: 1, predictionError: undefined });
const seed = (prefix: number, hash: number) => ({ seed: 1, outcomes: [outcome('prefix-cost', prefix), outcome('session hash', hash)] });

test('both targets must be reached, with every seed', (t) => {
  t.ok(reportOf([seed(0.91, 0.92), seed(0.95, 0.94)]).reached);
  t.notOk(reportOf([seed(0.89, 0.89)]).reached);
  t.notOk(reportOf([seed(0.92, 0.95)]).reached);
  const missed = reportOf([seed(0.95, 0.94), { ...seed(0.92, 0.95), seed: 2 }]);
  t.notOk(missed.reached);
  t.match(missed.verdict, /seed 2: 0\.920 by prefix, 0\.950 by session hash/);
  t.end();
});
