// A pool with `usage: ask` learns from every stream, and no client sees it.

import { readFileSync } from 'node:fs';
import { test, type Test } from 'tap';
import { startSimulator } from '../../bench/simulator/simulator.ts';
import { call, readAnswer, type Answer } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, sized, startRawUpstream, STREAM_HEAD, type RawRequest, type RawUpstream } from '../support/raw-upstream.ts';
import { CHAT, streamOf, SURFACES } from '../support/surfaces.ts';
import { startTestRouter, type TestRouter, type TestRouterOptions } from '../support/test-router.ts';

const asking = (url: string): TestRouterOptions => ({ pools: [{ name: 'default', endpoints: [url], slow_start_ms: 0, usage: 'ask' }] });
const json = ['content-type: application/json'];

interface Asked extends TestRouter {
  readonly upstream: RawUpstream;
  send(path: string, body: string): Promise<Answer>;
}

async function startAsking(t: Test, onRequest: (request: RawRequest) => void): Promise<Asked> {
  const upstream = await startRawUpstream(t, onRequest);
  const router = await startTestRouter(t, asking(upstream.url));
  return { ...router, upstream, send: (path, body) => call(t, router.url, { path, body, headers: json }) };
}

/** Answers with these bytes, each in a chunk of its own. */
function stream(...parts: readonly (string | Buffer)[]): (request: RawRequest) => void {
  return ({ socket }) => void socket.end(Buffer.concat([Buffer.from(STREAM_HEAD), ...parts.map(chunk), Buffer.from(LAST_CHUNK)]));
}

const USAGE = 'data: {"id":"c","choices":[],"usage":{"prompt_tokens":32,"total_tokens":34,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":16}}}\n\n';
const opening = CHAT.opening + CHAT.delta('a');
const finish = 'data: {"id":"c","choices":[{"index":0,"delta":{"content":"b"},"finish_reason":"stop"}]}\n\n';

test('the engine is asked and the usage taken out, for the client alone', async (t) => {
  const { upstream, send, endpoints, lines } = await startAsking(t, stream(opening, finish, USAGE, CHAT.terminal));
  const body = CHAT.body('hello', true);
  const answer = await send(CHAT.path, body);
  t.match(answer, { status: 200, whole: true });
  t.equal(answer.body.toString(), opening + finish + CHAT.terminal);
  t.equal(upstream.requests[0]?.body.toString(), `{"stream_options":{"include_usage":true},${body.slice(1)}`);
  t.match(await endpoints(), [{ reported: { prompt_tokens: 32, cached_tokens: 16 } }]);
  t.match(lines().findLast((line) => 'outcome' in line), { outcome: 'complete' });
});

test('who asked, or gets usage anyway, sends and gets every byte', async (t) => {
  const whole = opening + finish + USAGE + CHAT.terminal;
  const { upstream, send } = await startAsking(t, stream(whole));
  const chat = { model: 'm', messages: [{ role: 'user', content: 'hello' }] };
  const bodies = [
    { ...chat, stream: true, stream_options: { include_usage: true } },
    { ...chat, stream: true, stream_options: { include_usage: true, continuous_usage_stats: true } },
    { ...chat, stream: true, stream_options: {} },
    { ...chat, stream: true, n: 2 },
    chat,
  ].map((body) => JSON.stringify(body));
  for (const body of bodies) t.equal((await send(CHAT.path, body)).body.toString(), whole, body);
  t.strictSame(upstream.requests.map((request) => request.body.toString()), bodies);
});

test('answers and messages of the other surfaces are not touched', async (t) => {
  for (const surface of SURFACES.filter(({ name }) => name === 'responses' || name === 'messages')) {
    const whole = streamOf(surface, ['a', 'b']).replace(surface.terminal, USAGE + surface.terminal);
    const { upstream, send } = await startAsking(t, stream(whole));
    const body = surface.body('hello', true);
    t.equal((await send(surface.path, body)).body.toString(), whole);
    t.equal(upstream.requests[0]?.body.toString(), body);
  }
});

test('what an engine answers that gives no usage arrives as it was sent', async (t) => {
  const error = 'data: {"error":{"message":"engine died","type":"InternalServerError","param":null,"code":500}}\n\n';
  const streams = [opening + finish + CHAT.terminal, `: keep-alive\n\n${opening}: keep-alive\n\n${finish}${CHAT.terminal}`, opening + error + CHAT.terminal];
  let at = 0;
  const { send } = await startAsking(t, (request) => stream(streams[at++] ?? '')(request));
  for (const whole of streams) t.equal((await send(CHAT.path, CHAT.body('hello', true))).body.toString(), whole);
});

test('an error instead of a stream is the same error', async (t) => {
  const body = '{"error":{"message":"no","type":"BadRequestError","param":null,"code":400}}';
  const answers = [sized(400, body), Buffer.concat([Buffer.from(STREAM_HEAD), chunk(`data: ${body}\n\n`), Buffer.from(LAST_CHUNK)])];
  let at = 0;
  const { send } = await startAsking(t, ({ socket }) => void socket.end(answers[at++] ?? ''));
  for (const _ of answers) {
    const answer = await send(CHAT.path, CHAT.body('hello', true));
    t.equal(answer.status, 400);
    t.equal(answer.body.toString(), body);
  }
});

test('a stream that breaks in the usage, or waiting for it, ends as one that breaks between events', async (t) => {
  for (const last of [finish, finish + USAGE.slice(0, 60)]) {
    const { send } = await startAsking(t, ({ socket }) => {
      socket.write(Buffer.concat([Buffer.from(STREAM_HEAD), chunk(opening), chunk(last)]), () => socket.end());
    });
    const answer = await send(CHAT.path, CHAT.body('hello', true));
    t.notOk(answer.whole);
    const received = answer.body.toString();
    t.ok(received.startsWith(opening + finish), received);
    t.match(received.slice((opening + finish).length), CHAT.errorEvent);
  }
});

test('a real stream with usage arrives as the real stream without, wherever its chunks end', async (t) => {
  const body = (name: string): Buffer => readAnswer(readFileSync(new URL(`../captures/${name}.response`, import.meta.url))).body;
  const asked = body('chat-stream-usage-cold');
  const plain = (text: Buffer): string => text.toString().replaceAll(/chatcmpl-[0-9a-f]+/g, 'id').replaceAll(/"created":\d+/g, '"created":0');
  const cuts = Array.from({ length: 40 }, (_, i) => 1 + Math.floor((i * asked.length) / 40));
  let at = 0;
  const { send } = await startAsking(t, (request) => {
    const cut = cuts[at++] ?? 1;
    stream(asked.subarray(0, cut), asked.subarray(cut))(request);
  });
  for (const cut of cuts) {
    const answer = await send(CHAT.path, CHAT.body('hello', true));
    t.equal(plain(answer.body), plain(body('chat-stream-no-usage')), `cut at ${cut}`);
  }
});

const SIMULATED = { timeScale: 0, seed: 7, model: 'm' };
const TOOLS = [{ type: 'function', function: { name: 'look_up', parameters: { type: 'object', properties: { word: { type: 'string' } } } } }];

test('clients cannot tell a pool that asks from one that does not, and cached tokens are reported', async (t) => {
  const passive = await startSimulator(SIMULATED);
  const asked = await startSimulator(SIMULATED);
  t.teardown(() => Promise.all([passive.close(), asked.close()]));
  const routers = [await startTestRouter(t, { endpoints: [passive.url] }), await startTestRouter(t, asking(asked.url))];
  const content = 'The scheduler keeps a queue of waiting requests. '.repeat(20);
  const chat = { model: 'm', messages: [{ role: 'user', content }], max_tokens: 8, stream: true };
  const requests: [string, object][] = [
    [CHAT.path, chat],
    [CHAT.path, chat],
    [CHAT.path, { ...chat, stream_options: { include_usage: false } }],
    [CHAT.path, { ...chat, stream_options: null, max_tokens: 1 }],
    [CHAT.path, { ...chat, n: 2 }],
    [CHAT.path, { ...chat, tools: TOOLS, tool_choice: { type: 'function', function: { name: 'look_up' } } }],
    [CHAT.path, { ...chat, stream_options: { include_usage: true } }],
    ['/v1/completions', { model: 'm', prompt: content, max_tokens: 8, stream: true }],
    ['/v1/completions', { model: 'm', prompt: content, max_tokens: 1, stream: true }],
    ['/v1/completions', { model: 'm', prompt: [content, 'other'], max_tokens: 8, stream: true }],
  ];
  for (const [at, [path, request]] of requests.entries()) {
    const seen = routers.map(({ url }) => call(t, url, { path, body: JSON.stringify(request), headers: [...json, `x-request-id: request-${at}`] }));
    const [without, withAsking] = (await Promise.all(seen)).map((answer) => timeless(answer.body.toString()));
    t.equal(withAsking, without, `${path} ${at}`);
    t.match(without, /data: \[DONE\]\n\n$/);
  }
  const [silent] = (await routers[0]?.endpoints()) ?? [];
  const [told] = (await routers[1]?.endpoints()) ?? [];
  // Of the ten, one has its own wish and seven more are asked.
  t.ok(reported(silent).prompt_tokens > 0);
  t.ok(reported(told).prompt_tokens > 5 * reported(silent).prompt_tokens);
  t.ok(reported(told).cached_tokens > 3 * reported(silent).cached_tokens);
});

/** What an endpoint's answers said of their work. */
function reported(state: unknown): { readonly prompt_tokens: number; readonly cached_tokens: number } {
  return (state as { reported: { prompt_tokens: number; cached_tokens: number } }).reported;
}

/** Ids of answers and the clock are all that two runs of a simulator differ in. */
function timeless(body: string): string {
  return body.replaceAll(/"id":"[^"]*"/g, '"id":""').replaceAll(/"created":\d+/g, '"created":0');
}
