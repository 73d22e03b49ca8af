import { test } from 'tap';
import { EventQueue } from '../../../bench/lab/event-queue.ts';
import type { Result } from '../../../bench/lab/job.ts';
import type { PolicyId } from '../../../bench/lab/policies.ts';
import { rowsOf, summariesOf, worstBeside } from '../../../bench/lab/standings.ts';
import { seededRandom } from '../../../src/core/random.ts';

function result(workload: string, policy: PolicyId, seed: number, ttftMeanS: number): Result {
  const measures = {
    requests: 1, failed: 0, ttftMeanS, ttftP50S: 1, ttftP99S: 1, e2eMeanS: 1, hitRatio: 0.5, predictionError: NaN, settledError: NaN, momentaryImbalance: 1, lastingImbalance: 1,
  };
  return { workload, policy, situation: 'plain', seed, measures };
}

test('a policy is compared by its mean over the seeds with the best policy of each workload', (t) => {
  const rows = rowsOf([
    result('a', 'prefix-cost', 1, 1), result('a', 'prefix-cost', 2, 3), result('a', 'least-request', 1, 4), result('a', 'least-request', 2, 4),
    result('b', 'prefix-cost', 1, 4), result('b', 'least-request', 1, 1),
  ]);
  const [ours, baseline] = summariesOf(rows);
  t.match(ours, { policy: 'prefix-cost', geometricMean: 2, worst: 4, worstAt: 'b' });
  t.match(baseline, { policy: 'least-request', worst: 2, worstAt: 'a' });
  t.same(worstBeside(rows, 'prefix-cost', 'least-request'), { ratio: 4, workload: 'b' });
  t.equal(worstBeside(rows, 'prefix-cost', 'gie'), undefined);
  t.end();
});

test('events happen in the order of their time, and equal times in the order in which they were added', (t) => {
  const random = seededRandom(5);
  const queue = new EventQueue();
  const wanted = Array.from({ length: 500 }, (_, order) => ({ atS: Math.floor(random() * 50), order }));
  const happened: { atS: number; order: number }[] = [];
  for (const event of wanted) queue.at(event.atS, () => {
    t.equal(queue.nowS, event.atS);
    happened.push(event);
  });
  queue.run();
  t.same(happened, wanted.toSorted((a, b) => a.atS - b.atS || a.order - b.order));
  queue.at(0, () => t.equal(queue.nowS, 49, 'what is late happens now'));
  queue.run();
  t.end();
});
