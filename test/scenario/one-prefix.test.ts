// Nine of ten requests have one prefix and there is more of them than one endpoint can take: the others share it.

import { test } from 'tap';
import { hotPrefix, mix } from '../../bench/lab/workloads/prefixes.ts';
import { play } from './lab.ts';

const REPLICAS = 8;
const DURATION_S = 40;
const workload = mix({ perS: 60, durationS: DURATION_S, questionTokens: 300, answerTokens: 150, prefix: hotPrefix(0.9, 10_000, 60, 3000) });

for (const seed of [1, 2]) {
  test(`nobody is much fuller than the rest, and as much is done as by least-request (seed ${seed})`, (t) => {
    const ours = play({ workload, seed, replicas: REPLICAS });
    const baseline = play({ workload, seed, replicas: REPLICAS, policy: 'least-request' });
    t.ok(ours.measures.lastingImbalance <= 1.5, `fullest endpoint: ${ours.measures.lastingImbalance} × the mean in flight`);
    const [done, doneByLeast] = [ours, baseline].map(({ exchanges }) => exchanges.filter(({ endS, failed }) => !failed && endS! <= DURATION_S).length);
    t.ok(done! >= 0.9 * doneByLeast!, `${done} answers within ${DURATION_S} s, ${doneByLeast} by least-request`);
    t.end();
  });
}
