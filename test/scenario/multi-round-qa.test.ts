// multi-round-qa.test.ts: what the two listeners are for, in the one figure that no machine's speed changes: prompt tokens computed again.

import { test, type Test } from 'tap';
import { storyQuestions } from '../../bench/load/questions.ts';
import { startRun } from '../../bench/load/run.ts';
import { createScaledClock } from '../../bench/load/scaled-clock.ts';
import { sum } from '../../bench/load/statistics.ts';
import type { Workload } from '../../bench/load/workload.ts';
import { startSimulator } from '../../bench/simulator/simulator.ts';
import { startRouter } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';

const REPLICAS = 5;
const workload: Workload = {
  users: 8,
  rounds: 15,
  qps: 30,
  systemPromptTokens: 100,
  userHistoryTokens: 2000,
  answerTokensMax: 20,
  durationS: 5,
  userIdBefore: 0,
};

/** The prompt tokens computed for a request, on average, on a router and replicas that start cold. */
async function uncachedTokens(t: Test, policy: string): Promise<number> {
  const replicas = await Promise.all(Array.from({ length: REPLICAS }, () => startSimulator({ timeScale: 0 })));
  const text = JSON.stringify({
    listeners: [{ name: 'clients', host: '127.0.0.1', port: 0, policy }],
    admin: { port: 0 },
    pools: [{ endpoints: replicas.map(({ url }) => url) }],
    shutdown: { settle_ms: 0 },
    log: { level: 'silent' },
  });
  const loaded = loadConfig({ path: 'warmroute.yaml', env: {}, readFile: () => text });
  if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.problems));
  const router = await startRouter({ config: loaded.config, version: '0.0.0' });
  t.teardown(async () => {
    await router.stop();
    await Promise.all(replicas.map((replica) => replica.close()));
  });
  await router.ready();

  const target = { baseUrl: router.urls['clients'] ?? '', model: '/model/qwen' };
  const run = startRun(workload, storyQuestions(workload.answerTokensMax), target, createScaledClock(1));
  await run.done;
  t.same(run.failures, []);
  t.comment(`${policy}: ${run.rounds.length} requests`);
  return sum(run.rounds.map((round) => round.promptTokens - round.cachedTokens)) / run.rounds.length;
}

test('by prefix, many rounds of questions compute at most 0.4 of the prompt tokens that they do by least requests', async (t) => {
  const [prefix, baseline] = await Promise.all([uncachedTokens(t, 'prefix-cost'), uncachedTokens(t, 'least-request')]);
  t.comment(`uncached prompt tokens a request: ${prefix.toFixed(0)} against ${baseline.toFixed(0)}`);
  t.ok(prefix <= 0.4 * baseline, `${prefix} against ${baseline}`);
});
