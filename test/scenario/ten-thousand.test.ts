// ten-thousand.test.ts: many conversations in one run, some of them left or broken: nothing is counted twice, lost or kept.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { t as suite, test } from 'tap';
import { Agent, request, type Dispatcher as Undici } from 'undici';
import { startSimulator } from '../../bench/simulator/simulator.ts';
import { eventually, startTestRouter, type TestRouter } from '../support/test-router.ts';

const TIMEOUT_MS = 180_000;
const CONVERSATIONS = 10_000;
const AT_ONCE = 64;
const ENDPOINTS = 4;
/** Full several times over in each part. */
const CACHE_BLOCKS = 300;
/** After the first two of ten parts everything that is bounded by the load, and not by time, is there. */
const PARTS = 10;
const SETTLED = 1;
const MEMORY_GROWTH_BYTES_MAX = 12 * 1024 * 1024;
const INDEX_GROWTH_MAX = 1.2;
const MIB = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What there is after a part of the conversations. */
interface Kept {
  /** Of the heap, and of arrays outside of it: prefix indexes, bodies. */
  readonly memoryBytes: number;
  readonly indexBlocks: number;
  readonly indexBytes: number;
}

async function kept(router: TestRouter): Promise<Kept> {
  const indexes = (await router.endpoints()).map(({ index }) => index);
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { memoryBytes: heapUsed + arrayBuffers, indexBlocks: sum(indexes.map(({ blocks }) => blocks)), indexBytes: sum(indexes.map(({ bytes }) => bytes)) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

interface Turn {
  readonly outcome: string;
  readonly answer: string;
}

/** One request: most end well, some clients leave, some ask for what there is not. */
async function ask(agent: Undici, url: string, i: number, messages: readonly object[]): Promise<Turn> {
  const model = i % 50 === 7 ? 'nobody' : '/model/qwen';
  const stream = i % 3 !== 0;
  const body = JSON.stringify({ model, stream, max_tokens: 2, messages });
  const controller = i % 20 === 3 ? new AbortController() : undefined;
  try {
    const answering = request(`${url}/v1/chat/completions`, { method: 'POST', dispatcher: agent, headers: { 'content-type': 'application/json' }, body, ...(controller === undefined ? {} : { signal: controller.signal }) });
    if (controller !== undefined) setImmediate(() => controller.abort());
    const { statusCode, body: answered } = await answering;
    const text = await answered.text();
    const answer = [...text.matchAll(/"content":"([^"]*)"/g)].map(([, words]) => words).join('');
    return { outcome: statusCode === 200 && stream && !text.endsWith('data: [DONE]\n\n') ? 'short' : String(statusCode), answer };
  } catch {
    return { outcome: controller === undefined ? 'broken' : 'left', answer: '' };
  }
}

/** Most have one turn, a tenth two or three. Gives their outcomes. */
async function converse(agent: Undici, url: string, i: number): Promise<readonly string[]> {
  const turns = i % 20 === 9 ? 3 : i % 20 === 14 ? 2 : 1;
  const messages: object[] = [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: `Conversation ${i}: ${'why '.repeat(i % 40)}` }];
  const outcomes: string[] = [];
  for (let turn = 1; turn <= turns; turn += 1) {
    const { outcome, answer } = await ask(agent, url, i, messages);
    outcomes.push(outcome);
    messages.push({ role: 'assistant', content: answer }, { role: 'user', content: `And ${turn}?` });
  }
  return outcomes;
}

suite.setTimeout(TIMEOUT_MS);

test('ten thousand conversations have one outcome each, give every lease back and leave no memory behind', { timeout: TIMEOUT_MS }, async (t) => {
  const simulators = await Promise.all(Array.from({ length: ENDPOINTS }, () => startSimulator({ timeScale: 0, blocks: CACHE_BLOCKS })));
  t.teardown(() => Promise.all(simulators.map((simulator) => simulator.close())));
  const router = await startTestRouter(t, { endpoints: simulators.map(({ url }) => url), log: { level: 'silent' } });
  const agent = new Agent({ connections: AT_ONCE, pipelining: 1 });
  t.teardown(() => agent.destroy());

  const seen = new Map<string, number>();
  const parts: Kept[] = [];
  const startedMs = performance.now();
  for (let part = 0; part < PARTS; part += 1) {
    let next = (part * CONVERSATIONS) / PARTS;
    const end = next + CONVERSATIONS / PARTS;
    const client = async (): Promise<void> => {
      while (next < end) {
        const i = next++;
        for (const outcome of await converse(agent, i % 2 === 0 ? router.url : router.baselineUrl, i)) seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, client));
    parts.push(await kept(router));
  }
  t.comment(`${((performance.now() - startedMs) / 1000).toFixed(1)} s; ${JSON.stringify(Object.fromEntries(seen))}`);
  t.comment(`memory in MiB ${parts.map(({ memoryBytes }) => (memoryBytes / MIB).toFixed(1)).join(' ')}`);
  t.comment(`index: blocks ${parts.map(({ indexBlocks }) => indexBlocks).join(' ')}; KiB ${parts.map(({ indexBytes }) => Math.round(indexBytes / 1024)).join(' ')}`);

  t.same([...seen.keys()].filter((outcome) => !['200', '404', 'left'].includes(outcome)), [], 'everyone got what they asked for, or left');
  const metric = (labels: Record<string, string>): Promise<number> => router.metric('warmroute_requests_total', labels);
  const left = seen.get('left') ?? 0;
  // A client that left before its request was sent is unknown here.
  await eventually(async () => (await router.metric('warmroute_in_flight_requests')) === 0);
  const counted = await metric({});
  const sent = sum([...seen.values()]);
  t.ok(counted <= sent && counted >= sent - left, `${counted} outcomes for ${sent} requests, ${left} of which their clients gave up`);
  t.equal(await metric({ code: '404' }), seen.get('404'));
  const complete = await metric({ outcome: 'complete' });
  const gone = await metric({ outcome: 'client_gone' });
  t.ok(complete >= (seen.get('200') ?? 0));
  t.equal(complete + gone + (await metric({ outcome: 'error' })), counted, 'and no other outcome');
  for (const endpoint of await router.endpoints()) t.match(endpoint, { in_flight: 0, queued_prompt_tokens: 0 }, endpoint.id);
  await eventually(() => simulators.every((simulator) => simulator.state().running === 0 && simulator.state().waiting === 0));
  const [settled, last] = [parts[SETTLED]!, parts.at(-1)!];
  t.ok(last.memoryBytes - settled.memoryBytes < MEMORY_GROWTH_BYTES_MAX, `${((last.memoryBytes - settled.memoryBytes) / MIB).toFixed(1)} MiB more after 8,000 conversations`);
  t.ok(last.indexBlocks < INDEX_GROWTH_MAX * settled.indexBlocks, `${settled.indexBlocks} blocks in the indexes, then ${last.indexBlocks}`);
  t.ok(last.indexBytes < INDEX_GROWTH_MAX * settled.indexBytes, `of ${settled.indexBytes} bytes, then ${last.indexBytes}`);
});
