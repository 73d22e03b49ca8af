// The two requests with which anyone can see that prefixes are followed: the second continues the conversation that the first began.

import { readFileSync } from 'node:fs';
import { test, type Test } from 'tap';
import { startSimulator, type Simulator } from '../../bench/simulator/simulator.ts';
import { startTestRouter, type TestRouter } from '../support/test-router.ts';

const ENDPOINTS = 4;
const CONVERSATIONS = 50;

const round = (n: 1 | 2): string => readFileSync(new URL(`../captures/requests/round${n}.json`, import.meta.url), 'utf8');
const rounds = [round(1), round(2)] as const;

interface Fleet {
  readonly router: TestRouter;
  /** Sends a request whole and says which endpoint answered it. */
  send(url: string, id: string, body: string): Promise<number>;
}

async function start(t: Test): Promise<Fleet> {
  const simulators: readonly Simulator[] = await Promise.all(Array.from({ length: ENDPOINTS }, () => startSimulator({ timeScale: 0 })));
  t.teardown(() => Promise.all(simulators.map((simulator) => simulator.close())));
  const router = await startTestRouter(t, {
    listeners: ['prefix-cost', 'prefix-threshold', 'least-request'].map((policy) => ({ name: policy, host: '127.0.0.1', port: 0, policy })),
    pools: [{ endpoints: simulators.map(({ url }) => url), slow_start_ms: 0 }],
  });
  return {
    router,
    async send(url, id, body) {
      const answer = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-request-id': id }, body });
      t.match(await answer.text(), /data: \[DONE\]\n\n$/);
      return simulators.findIndex((simulator) => simulator.state().requests.some((request) => request.id === id));
    },
  };
}

/** The same request with text in front that no other conversation has. */
function withFreshText(body: string, conversation: number): string {
  const parsed = JSON.parse(body) as { messages: { content: string }[] };
  const first = parsed.messages[0]!;
  first.content = `Conversation ${conversation} of ${CONVERSATIONS}, begun afresh. ${first.content}`;
  return JSON.stringify(parsed);
}

/** How many second requests went where their first had gone, and how many endpoints took a first. */
async function play(fleet: Fleet, policy: string): Promise<{ together: number; endpoints: number }> {
  const url = fleet.router.router.urls[policy] ?? '';
  const firsts = new Set<number>();
  let together = 0;
  for (let i = 0; i < CONVERSATIONS; i += 1) {
    const first = await fleet.send(url, `${policy}-${i}-1`, withFreshText(rounds[0], i));
    const second = await fleet.send(url, `${policy}-${i}-2`, withFreshText(rounds[1], i));
    firsts.add(first);
    if (first === second) together += 1;
  }
  return { together, endpoints: firsts.size };
}

for (const policy of ['prefix-cost', 'prefix-threshold']) {
  test(`${policy}: the second request goes where the first went, every time, and conversations are spread`, async (t) => {
    const { together, endpoints } = await play(await start(t), policy);
    t.equal(together, CONVERSATIONS);
    t.equal(endpoints, ENDPOINTS);
  });
}

test('least-request: they scatter', async (t) => {
  const { together } = await play(await start(t), 'least-request');
  t.ok(together > 0 && together < 30, `${together} of ${CONVERSATIONS} by chance`);
});

for (const [policy, logs] of [['prefix-threshold', ' 0.54 > 0.50'], ['prefix-cost', ' 0.54']] as const) {
  test(`${policy}: the requests as they are, on a fresh router, log how much of the second was there`, async (t) => {
    const fleet = await start(t);
    const logged = (): unknown[] => fleet.router.lines().filter(({ msg }) => msg === 'Do prefix-aware routing!').map((line) => line['matching ratio']);
    await fleet.send(fleet.router.router.urls[policy] ?? '', 'round-1', rounds[0]);
    t.same(logged(), [], 'nothing was there for the first');
    await fleet.send(fleet.router.router.urls[policy] ?? '', 'round-2', rounds[1]);
    t.same(logged(), [logs]);
    t.equal(fleet.router.lines().findLast(({ msg }) => msg === 'Do prefix-aware routing!')?.['request'], 'round-2');
  });
}
