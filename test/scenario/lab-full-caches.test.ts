import { test } from 'tap';
import { sessions } from '../../bench/lab/workloads/conversations.ts';
import { groups } from '../../bench/lab/workloads/prefixes.ts';
import { play } from './lab.ts';

const seeds = [1, 2, 3];

for (const seed of seeds) {
  test(`while long answers are on their way and only counters speak, no cache is taken to be empty (seed ${seed})`, (t) => {
    const workload = groups({ groups: 150, perGroup: 5, prefixTokens: 6000, questionTokens: 1200, answerTokens: 1000, perS: 19 });
    const { measures } = play({ workload, seed, replicas: 8 });
    // Of five prompts of 7,200 tokens four find 6,000.
    t.ok(measures.hitRatio > 0.65, `hit ratio ${measures.hitRatio}, 0.667 is all there is`);
    t.end();
  });
}

test('where caches are full of requests in flight, conversations go where there is room for them', (t) => {
  const workload = sessions({ perS: 20, durationS: 300, turns: 5, thinkS: 15, apps: 20, appTokens: 2000, openingTokens: 0, questionTokens: 200, answerTokens: 250, tokensMax: 30_000 });
  const of = (policy: 'prefix-cost' | 'llm-d'): number => seeds.reduce((sum, seed) => sum + play({ workload, seed, replicas: 8, policy }).measures.ttftMeanS, 0);
  const [ours, theirs] = [of('prefix-cost'), of('llm-d')];
  t.ok(ours <= 1.2 * theirs, `${ours} s against ${theirs} s of a rule that waits for whoever holds most`);
  t.end();
});
