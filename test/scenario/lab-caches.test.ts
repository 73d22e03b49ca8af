import { test } from 'tap';
import { qa } from '../../bench/lab/workloads/conversations.ts';
import { mix, zipfPrefix } from '../../bench/lab/workloads/prefixes.ts';
import { presets } from '../../bench/simulator/engine/step-time.ts';
import { play } from './lab.ts';

const seeds = [1, 2, 3];

for (const seed of seeds) {
  test(`with three times more prefixes than fit, more is kept than without looking (seed ${seed})`, (t) => {
    const prefixes = Math.round((3 * 4 * presets.S.kvTokens) / 3000);
    const workload = mix({ perS: 2, durationS: 400, questionTokens: 200, answerTokens: 60, prefix: zipfPrefix(prefixes, 0.8, 3000) });
    const ours = play({ workload, seed, preset: 'S' }).measures;
    const baseline = play({ workload, seed, preset: 'S', policy: 'least-request' }).measures;
    t.ok(ours.hitRatio > 1.3 * baseline.hitRatio, `hit ratio ${ours.hitRatio} against ${baseline.hitRatio}`);
    t.ok(ours.ttftMeanS < baseline.ttftMeanS, `${ours.ttftMeanS} s against ${baseline.ttftMeanS} s`);
    t.end();
  });

  test(`many conversations at low load use all caches, as a session hash would, and not one (seed ${seed})`, (t) => {
    const workload = qa({ users: 100, rounds: 8, perS: 0.5, systemTokens: 1000, historyTokens: 2000, answerTokens: 100, durationS: 1500 });
    const ours = play({ workload, seed, replicas: 5, preset: 'S' }).measures;
    const hashed = play({ workload, seed, replicas: 5, preset: 'S', policy: 'session-hash' }).measures;
    const baseline = play({ workload, seed, replicas: 5, preset: 'S', policy: 'least-request' }).measures;
    t.ok(ours.ttftMeanS <= 1.05 * hashed.ttftMeanS, `${ours.ttftMeanS} s against ${hashed.ttftMeanS} s of a session hash`);
    t.ok(ours.ttftMeanS <= 0.7 * baseline.ttftMeanS, `${ours.ttftMeanS} s against ${baseline.ttftMeanS} s of least-request`);
    t.ok(ours.hitRatio >= hashed.hitRatio - 0.02, `hit ratio ${ours.hitRatio} against ${hashed.hitRatio}`);
    t.end();
  });
}
