import { test } from 'tap';
import { flash, hotPrefix, mix, unrelated } from '../../bench/lab/workloads/prefixes.ts';
import { play } from './lab.ts';

const seeds = [1, 2, 3];
const lengths = { questionTokens: 300, answerTokens: 150 };

for (const seed of seeds) {
  test(`a prefix that most requests share spreads over the endpoints (seed ${seed})`, (t) => {
    const workload = mix({ ...lengths, perS: 16, durationS: 60, prefix: hotPrefix(0.6, 10_000, 60, 3000) });
    const { measures } = play({ workload, seed });
    t.ok(measures.lastingImbalance <= 1.5, `fullest endpoint: ${measures.lastingImbalance} × the mean in flight`);
    t.ok(measures.hitRatio > 0.85, `hit ratio ${measures.hitRatio}`);
    t.end();
  });

  test(`a crowd with a brand-new prefix is served by several endpoints without a queue at one (seed ${seed})`, (t) => {
    const workload = flash({
      ...lengths, durationS: 100,
      background: { perS: 6, prefixes: 30, prefixTokens: 4000 },
      burst: { everyS: 40, lastsS: 10, perS: 16, prefixTokens: 8000 },
    });
    const ours = play({ workload, seed }).measures;
    const baseline = play({ workload, seed, policy: 'least-request' }).measures;
    t.ok(ours.lastingImbalance <= 1.5, `fullest endpoint: ${ours.lastingImbalance} × the mean in flight`);
    t.ok(ours.ttftMeanS < baseline.ttftMeanS, `${ours.ttftMeanS} s against ${baseline.ttftMeanS} s`);
    t.ok(ours.ttftP99S < 1.25 * baseline.ttftP99S, `p99 ${ours.ttftP99S} s against ${baseline.ttftP99S} s`);
    t.end();
  });

  test(`where nothing is shared it is not worse than least-request (seed ${seed})`, (t) => {
    const workload = unrelated(20, 60, 2000, 150);
    const ours = play({ workload, seed }).measures;
    const baseline = play({ workload, seed, policy: 'least-request' }).measures;
    t.ok(ours.ttftMeanS <= 1.02 * baseline.ttftMeanS, `${ours.ttftMeanS} s against ${baseline.ttftMeanS} s`);
    t.end();
  });
}
