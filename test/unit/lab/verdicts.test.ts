import { test } from 'tap';
import type { Result } from '../../../bench/lab/job.ts';
import type { PolicyId } from '../../../bench/lab/policies.ts';
import type { SituationName } from '../../../bench/lab/situation.ts';
import { rowsOf } from '../../../bench/lab/standings.ts';
import { verdictsOf, verdictsText } from '../../../bench/lab/verdicts.ts';

interface Given {
  readonly policy?: PolicyId;
  readonly situation?: SituationName;
  readonly settledError?: number;
}

function result(workload: string, ttftMeanS: number, { policy = 'prefix-cost', situation = 'plain', settledError = 0 }: Given = {}): Result {
  const measures = {
    requests: 1, failed: 0, ttftMeanS, ttftP50S: 1, ttftP99S: 1, e2eMeanS: 1, hitRatio: 0.5, predictionError: 0, settledError, momentaryImbalance: 1, lastingImbalance: 1,
  };
  return { workload, policy, situation, seed: 1, measures };
}

const reachedOf = (results: readonly Result[], disturbed: readonly Result[] = []) => verdictsOf(rowsOf(results), disturbed).map(({ reached }) => reached);

test('targets beside other policies: the geometric mean, the worst workload, and neither least-request nor a session hash better by more than 5 %', (t) => {
  const beside = (ours: number, leastRequest: number, hash: number, gie: number): Result[] => [
    ...['a', 'b'].flatMap((workload) => [
      result(workload, 1), result(workload, 1, { policy: 'least-request' }), result(workload, 1, { policy: 'session-hash' }), result(workload, 1, { policy: 'gie' }),
    ]),
    result('c', ours), result('c', leastRequest, { policy: 'least-request' }), result('c', hash, { policy: 'session-hash' }), result('c', gie, { policy: 'gie' }),
  ];
  t.same(reachedOf(beside(1.15, 2, 2, 1)), [true, true, true, true]);
  t.same(reachedOf(beside(1.19, 2, 2, 1)), [false, true, true, true], '1.19 once in three is 1.06');
  t.same(reachedOf(beside(1.21, 2, 2, 1)), [false, false, true, true]);
  t.same(reachedOf(beside(1.06, 1, 2, 1.06)), [true, true, false, true]);
  t.same(reachedOf(beside(1.06, 2, 1, 1.06)), [true, true, true, false]);
  t.match(verdictsText(verdictsOf(rowsOf(beside(1.06, 1, 2, 2)), [])), /MISSED +beside least-request, at worst: 1\.060 \(c\); target: at most 1\.05/);
  t.end();
});

const WORKLOADS = ['chat 8/s', 'hot 30/s'];

function told(situation: SituationName, ttftS: readonly number[], errors: readonly number[] = [0, 0]): Result[] {
  return WORKLOADS.flatMap((workload, at) => [
    result(workload, ttftS[at]!, { situation, settledError: errors[at]! }),
    result(workload, 1, { situation, policy: 'least-request' }),
  ]);
}

test('a capacity told wrong is compared with one told right and as much missing, and what is predicted late with the target, at worst', (t) => {
  const right = [...told('plain', [1, 1]), ...told('missing', [2, 2])];
  const rest = (situation: SituationName, ttftS: readonly number[], errors?: readonly number[]): unknown => {
    const verdicts = verdictsOf([], [...right, ...told(situation, ttftS, errors)]);
    return verdicts.map(({ reached }) => reached);
  };
  t.same(rest('capacity-x4', [1.19, 1]), [true, true]);
  t.same(rest('capacity-x4', [1.22, 1]), [false, true]);
  t.same(rest('capacity-half-missing', [2.1, 2.1]), [true, true]);
  t.same(rest('capacity-half', [1, 1], [0, 0.031]), [true, false]);
  t.same(rest('capacity-half', [1, 1], [NaN, 0]), [true, false], 'no request was late enough to tell');
  t.same(rest('unequal-speeds', [9, 9]), [], 'no target is set for others');
  t.end();
});
