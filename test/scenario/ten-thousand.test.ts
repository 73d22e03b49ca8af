// ten-thousand.test.ts: many conversations in one run, some of them left or broken: nothing is counted twice, lost or kept.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { t as suite, test } from 'tap';
import { Agent, request, type Dispatcher as Undici } from 'undici';
import { startSimulator } from '../../bench/simulator/simulator.ts';
import { eventually, startTestRouter } from '../support/test-router.ts';

const TIMEOUT_MS = 120_000;
const CONVERSATIONS = 10_000;
const AT_ONCE = 64;
const ENDPOINTS = 4;
/** After the first of ten parts everything that is bounded by the load, and not by time, is there. */
const PARTS = 10;
const HEAP_GROWTH_BYTES_MAX = 12 * 1024 * 1024;
const MIB = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** One conversation: most end well, some clients leave, some ask for what there is not. */
async function converse(agent: Undici, url: string, i: number): Promise<string> {
  const model = i % 50 === 7 ? 'nobody' : '/model/qwen';
  const stream = i % 3 !== 0;
  const body = JSON.stringify({ model, stream, max_tokens: 2, messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: `Conversation ${i}: ${'why '.repeat(i % 40)}` }] });
  const controller = i % 20 === 3 ? new AbortController() : undefined;
  try {
    const answering = request(`${url}/v1/chat/completions`, { method: 'POST', dispatcher: agent, headers: { 'content-type': 'application/json' }, body, ...(controller === undefined ? {} : { signal: controller.signal }) });
    if (controller !== undefined) setImmediate(() => controller.abort());
    const answer = await answering;
    const text = await answer.body.text();
    return answer.statusCode === 200 && stream && !text.endsWith('data: [DONE]\n\n') ? 'short' : String(answer.statusCode);
  } catch {
    return controller === undefined ? 'broken' : 'left';
  }
}

suite.setTimeout(TIMEOUT_MS);

test('ten thousand conversations have one outcome each, give every lease back and leave no memory behind', { timeout: TIMEOUT_MS }, async (t) => {
  const simulators = await Promise.all(Array.from({ length: ENDPOINTS }, () => startSimulator({ timeScale: 0, blocks: 2000 })));
  t.teardown(() => Promise.all(simulators.map((simulator) => simulator.close())));
  const router = await startTestRouter(t, { endpoints: simulators.map(({ url }) => url), log: { level: 'silent' } });
  const agent = new Agent({ connections: AT_ONCE, pipelining: 1 });
  t.teardown(() => agent.destroy());

  const seen = new Map<string, number>();
  const heaps: number[] = [];
  const startedMs = performance.now();
  for (let part = 0; part < PARTS; part += 1) {
    let next = (part * CONVERSATIONS) / PARTS;
    const end = next + CONVERSATIONS / PARTS;
    const client = async (): Promise<void> => {
      while (next < end) {
        const i = next++;
        const outcome = await converse(agent, i % 2 === 0 ? router.url : router.baselineUrl, i);
        seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, client));
    heaps.push(heapBytes());
  }
  t.comment(`${((performance.now() - startedMs) / 1000).toFixed(1)} s; ${JSON.stringify(Object.fromEntries(seen))}; heap MiB ${heaps.map((bytes) => Math.round(bytes / MIB)).join(' ')}`);

  t.same([...seen.keys()].filter((outcome) => !['200', '404', 'left'].includes(outcome)), [], 'everyone got what they asked for, or left');
  const metric = (labels: Record<string, string>): Promise<number> => router.metric('warmroute_requests_total', labels);
  const left = seen.get('left') ?? 0;
  // A client that left before its request was sent is unknown here.
  await eventually(async () => (await router.metric('warmroute_in_flight_requests')) === 0);
  const counted = await metric({});
  t.ok(counted <= CONVERSATIONS && counted >= CONVERSATIONS - left, `${counted} outcomes for ${CONVERSATIONS} requests, ${left} of which their clients gave up`);
  t.equal(await metric({ code: '404' }), seen.get('404'));
  const complete = await metric({ outcome: 'complete' });
  const gone = await metric({ outcome: 'client_gone' });
  t.ok(complete >= (seen.get('200') ?? 0));
  t.equal(complete + gone + (await metric({ outcome: 'error' })), counted, 'and no other outcome');
  for (const endpoint of await router.endpoints()) t.match(endpoint, { in_flight: 0, queued_prompt_tokens: 0 }, endpoint.id);
  await eventually(() => simulators.every((simulator) => simulator.state().running === 0 && simulator.state().waiting === 0));
  t.ok(heaps.at(-1)! - heaps[1]! < HEAP_GROWTH_BYTES_MAX, `${Math.round((heaps.at(-1)! - heaps[1]!) / MIB)} MiB more after 8,000 conversations`);
});
