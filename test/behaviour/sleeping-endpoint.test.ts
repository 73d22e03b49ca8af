// An engine that was put to sleep gives its cache away and lets requests wait, while its health goes on saying that all is well.

import { test } from 'tap';
import { startSimulator } from '../../bench/simulator/simulator.ts';
import { eventually, startTestRouter } from '../support/test-router.ts';

test('an endpoint whose engine sleeps gets nothing, is believed to hold nothing, and comes back when it wakes', async (t) => {
  const simulators = await Promise.all([0, 1].map(() => startSimulator({ timeScale: 0 })));
  t.teardown(() => Promise.all(simulators.map((simulator) => simulator.close())));
  const router = await startTestRouter(t, { pools: [{ endpoints: simulators.map(({ url }) => url), slow_start_ms: 0, scrape: { interval_ms: 20 } }] });
  const send = async (text: string): Promise<void> => {
    const body = JSON.stringify({ model: '/model/qwen', max_tokens: 1, messages: [{ role: 'user', content: text }] });
    const answer = await fetch(`${router.baselineUrl}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    t.equal(answer.status, 200);
    await answer.text();
  };
  const state = async (at: number) => (await router.endpoints()).find(({ id }) => simulators[at]!.url.endsWith(id))!;
  for (let i = 0; i < 20; i += 1) await send(`Question ${i} of some that fill the cache a little, each in words of its own.`);
  t.ok((await state(0)).index.tokens > 0);

  await simulators[0]!.fault({ kind: 'sleep' });
  await eventually(async () => !(await state(0)).available);
  t.equal((await state(0)).index.tokens, 0);
  const before = simulators[0]!.state().requests.length;
  for (let i = 0; i < 10; i += 1) await send(`Another question ${i}.`);
  t.equal(simulators[0]!.state().requests.length, before);

  await simulators[0]!.fault({ kind: 'heal' });
  await eventually(async () => (await state(0)).available);
  await eventually(async () => {
    await send('Is anybody awake?');
    return simulators[0]!.state().requests.length > before;
  });
});
