// lab-ranks.test.ts: where a rival's rank hangs on what the name of a workload leaves open.

import { test } from 'tap';
import type { PolicyId } from '../../bench/lab/policies.ts';
import type { Workload } from '../../bench/lab/run.ts';
import { sessions } from '../../bench/lab/workloads/conversations.ts';
import { hotPrefix, mix } from '../../bench/lab/workloads/prefixes.ts';
import { play } from './lab.ts';

const hot = (questionTokens: number) => mix({ questionTokens, answerTokens: 250, perS: 60, durationS: 40, prefix: hotPrefix(0.6, 10_000, 200, 3000) });
const agent = (sharedTokens: number) =>
  sessions({ perS: 0.1, durationS: 400, turns: 25, thinkS: 4, apps: 1, appTokens: sharedTokens, openingTokens: 4000, questionTokens: 3000, answerTokens: 250, tokensMax: 100_000 });

/** Mean TTFT beside ours. */
function besideOurs(policy: PolicyId, workload: Workload): number {
  const [theirs, ours] = [policy, 'prefix-cost' as const].map((each) => play({ workload, seed: 1, policy: each, replicas: 8 }).measures.ttftMeanS);
  return theirs! / ours!;
}

test('GIE piles a hot prefix up on one endpoint where requests bring few tokens of their own, and spreads it where their KV usage tells', (t) => {
  const [few, many] = [besideOurs('gie', hot(300)), besideOurs('gie', hot(1000))];
  t.ok(few > 30 && many < 6, `300 tokens: ${few.toFixed(2)}, 1,000 tokens: ${many.toFixed(2)}`);
  t.end();
});

test('SGLang sends all sessions to one endpoint where they share more than 0.3 of a first prompt, and ranks high where they share less', (t) => {
  const [much, little] = [besideOurs('sglang', agent(8000)), besideOurs('sglang', agent(500))];
  t.ok(much > 10 && little < 1.2, `8,000 tokens: ${much.toFixed(2)}, 500 tokens: ${little.toFixed(2)}`);
  t.end();
});
