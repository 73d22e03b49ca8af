// Why requests went where they went: the last choices, their stream, and what would become of a request now.

import { test, type Test } from 'tap';
import { call } from '../support/raw-client.ts';
import { sized, startRawUpstream, type RawUpstream } from '../support/raw-upstream.ts';
import { CHAT } from '../support/surfaces.ts';
import { eventually, startTestRouter } from '../support/test-router.ts';

const LONG = 'All happy families are alike; each unhappy family is unhappy in its own way. '.repeat(40);
const REPORTS = JSON.stringify({ id: 'c', choices: [{ message: { content: 'x' } }], usage: { prompt_tokens: 800, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 16 } } });
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

interface Shown {
  readonly [key: string]: unknown;
  readonly seq: number;
  readonly endpoint: string;
  readonly candidates: readonly { readonly [key: string]: unknown }[];
}

async function twoEndpoints(t: Test): Promise<readonly [RawUpstream, RawUpstream]> {
  const start = (): Promise<RawUpstream> => startRawUpstream(t, ({ socket }) => socket.write(sized(200, REPORTS)));
  return [await start(), await start()];
}

async function choices(adminUrl: string, query = ''): Promise<readonly Shown[]> {
  return ((await (await fetch(`${adminUrl}/choices${query}`)).json()) as { choices: Shown[] }).choices;
}

test('the last choices are told newest first, with what was seen and how they ended', async (t) => {
  const upstreams = await twoEndpoints(t);
  const { url, adminUrl, lines } = await startTestRouter(t, { endpoints: upstreams.map((each) => each.url) });
  t.same(await choices(adminUrl), []);
  await call(t, url, { path: CHAT.path, headers: ['x-request-id: first', `traceparent: ${TRACEPARENT}`], body: CHAT.body(LONG, false) });
  await call(t, url, { path: CHAT.path, headers: ['x-request-id: second'], body: CHAT.body(LONG, false) });
  await call(t, url, { path: '/tokenize', body: '{}' });
  const [second, first, ...more] = await choices(adminUrl);
  t.same(more, [], 'what is forwarded unread is no choice by policy');
  t.match(first, { seq: 1, request: 'first', trace_id: TRACEPARENT.slice(3, 35), listener: 'prefix', policy: 'prefix-cost', model: 'm', matched_tokens: 0, outcome: 'complete', reported_cached_tokens: 16 });
  t.match(first!['at'], /^\d{4}-\d\d-\d\dT/);
  t.match(second, { request: 'second', endpoint: first!.endpoint, match_ratio: 1, runner_up: upstreams.find(({ id }) => id !== first!.endpoint)!.id, sentence: /holds 800 of 800 tokens/ });
  t.equal(second!.candidates.length, 2);
  t.match(second!.candidates.find(({ endpoint }) => endpoint === first!.endpoint), { available: true, because: '', matched_tokens: 800, uncached_tokens: 0, queued_tokens: 0, in_flight: 0, cost: 256 });
  t.match(second!['ttft_ms'], Number);
  t.equal((await choices(adminUrl, '?n=1')).length, 1);
  t.equal((await fetch(`${adminUrl}/choices?n=-1`)).status, 400);
  t.match(lines().find(({ id }) => id === 'first'), { trace_id: TRACEPARENT.slice(3, 35) });
});

async function explain(adminUrl: string, query: string, body: string, method = 'POST'): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await fetch(`${adminUrl}/explain${query}`, { method, headers: { 'content-type': 'application/json' }, ...(method === 'POST' ? { body } : {}) });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

test('a request is explained and not sent, counted or remembered; the one that follows goes as was said', async (t) => {
  const upstreams = await twoEndpoints(t);
  const { url, adminUrl, endpoints, metric } = await startTestRouter(t, { endpoints: upstreams.map((each) => each.url) });
  for (let i = 0; i < 10; i += 1) {
    const body = CHAT.body(`${i}${LONG}`, false);
    const told = await explain(adminUrl, '?listener=prefix&surface=chat', body);
    t.match(told, { status: 200, body: { decision: 'chosen', listener: 'prefix', policy: 'prefix-cost', model: 'm', prompt_bytes: LONG.length + 5, sentence: String } });
    t.equal(upstreams[0].requests.length + upstreams[1].requests.length, i, 'nothing was sent');
    t.equal(await metric('warmroute_requests_total'), i, 'nothing was counted');
    await call(t, url, { path: CHAT.path, body });
    t.equal((await choices(adminUrl, '?n=1'))[0]!.endpoint, told.body['endpoint']);
  }
  const blocks = (await endpoints()).reduce((sum, { index }) => sum + index.blocks, 0);
  await explain(adminUrl, `?path=${CHAT.path}`, CHAT.body('another', false));
  t.equal((await endpoints()).reduce((sum, { index }) => sum + index.blocks, 0), blocks, 'nothing was recorded');
  t.equal((await choices(adminUrl)).length, 10);
});

test('what cannot be explained is said with what was wanted', async (t) => {
  const [upstream] = await twoEndpoints(t);
  const { adminUrl } = await startTestRouter(t, { endpoints: [upstream.url], admission: { body_bytes_max: 1000 } });
  const body = CHAT.body('x', false);
  t.match(await explain(adminUrl, '?listener=none', body), { status: 404, body: { error: /"none", wanted one of prefix, baseline/ } });
  t.match(await explain(adminUrl, '?surface=speech', body), { status: 400, body: { error: /"speech", wanted one of chat, completions/ } });
  t.match(await explain(adminUrl, '?path=/v1/other', body), { status: 400, body: { error: /wanted one of \/v1\/chat/ } });
  t.match(await explain(adminUrl, '', 'no json'), { status: 400, body: { error: String } });
  t.equal((await explain(adminUrl, '', CHAT.body(LONG, false))).status, 413);
  t.equal((await explain(adminUrl, '', '', 'GET')).status, 405);
  t.match(await explain(adminUrl, '?tenant=a&tenant=b', JSON.stringify({ model: 'm', messages: [] })), { status: 400, body: { error: /tenant is \["a","b"\], wanted one/ } });
  t.match(await explain(adminUrl, '', JSON.stringify({ model: 'other', messages: [] })), { status: 200, body: { decision: 'refused', endpoint: null, sentence: /does not exist/ } });
});

test('a stream is for those who read it: HEAD is answered, and not with one', async (t) => {
  const { adminUrl } = await startTestRouter(t, { endpoints: (await twoEndpoints(t)).map((each) => each.url) });
  t.equal((await fetch(`${adminUrl}/choices/stream`, { method: 'HEAD' })).status, 404);
});

test('where tenants are kept apart, it is explained whose request it is', async (t) => {
  const upstreams = await twoEndpoints(t);
  const { url, adminUrl } = await startTestRouter(t, { endpoints: upstreams.map((each) => each.url), prefix: { tenants: 'isolate', tenant_secret: 's'.repeat(32) } });
  const body = CHAT.body(LONG, false);
  await call(t, url, { path: CHAT.path, body });
  t.match(await explain(adminUrl, '', body), { status: 200, body: { match_ratio: 1 } });
  t.match(await explain(adminUrl, '?tenant=other', body), { status: 200, body: { match_ratio: 0 } });
});

interface Event {
  readonly name: string;
  readonly data: { readonly [key: string]: unknown };
}

/** Events of the stream so far. */
async function listen(t: Test, adminUrl: string): Promise<{ events: Event[]; ended: Promise<void>; leave: () => void }> {
  const leaving = new AbortController();
  t.teardown(() => leaving.abort());
  const answer = await fetch(`${adminUrl}/choices/stream`, { signal: leaving.signal });
  t.match(answer.headers.get('content-type'), /^text\/event-stream/);
  const events: Event[] = [];
  const read = async (): Promise<void> => {
    let rest = '';
    for await (const text of answer.body!.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + text).split('\n\n');
      rest = parts.pop()!;
      for (const part of parts) {
        const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(part) ?? [];
        if (name !== undefined) events.push({ name, data: JSON.parse(data!) as Event['data'] });
      }
    }
  };
  return { events, ended: read().catch(() => {}), leave: () => leaving.abort() };
}

test('who listens hears of a choice while it runs, and of its end; the stream ends with the router', async (t) => {
  let finish = (): void => {};
  const upstream = await startRawUpstream(t, ({ socket }) => (finish = () => void socket.write(sized(200, REPORTS))));
  const { url, adminUrl, router } = await startTestRouter(t, { endpoints: [upstream.url] });
  const { events, ended } = await listen(t, adminUrl);
  const answer = call(t, url, { path: CHAT.path, headers: ['x-request-id: live'], body: CHAT.body(LONG, false) });
  await eventually(() => events.length === 1);
  t.match(events[0], { name: 'choice', data: { request: 'live', outcome: 'running', ttft_ms: null, candidates: [{ endpoint: upstream.id }] } });
  finish();
  await answer;
  await eventually(() => events.length === 2);
  t.match(events[1], { name: 'ended', data: { seq: 1, request: 'live', outcome: 'complete', reported_cached_tokens: 16 } });
  await router.stop();
  await ended;
  t.equal(events.length, 2);
});

test('of many choices the newest are shown, and how many were not; the seventeenth listener is refused until one leaves', async (t) => {
  const [upstream] = await twoEndpoints(t);
  const { url, adminUrl } = await startTestRouter(t, { endpoints: [upstream.url] });
  const listeners = await Promise.all(Array.from({ length: 16 }, () => listen(t, adminUrl)));
  t.equal((await fetch(`${adminUrl}/choices/stream`)).status, 503);
  await Promise.all(Array.from({ length: 60 }, (_, i) => call(t, url, { path: CHAT.path, body: CHAT.body(`${i}`, false) })));
  const [{ events }] = listeners as [(typeof listeners)[0]];
  const told = (): number => events.reduce((sum, { name, data }) => sum + (name === 'choice' ? 1 : name === 'skipped' ? Number(data['choices']) : 0), 0);
  await eventually(() => told() === 60);
  t.ok(events.filter(({ name }) => name === 'choice').length < 60);
  t.equal(events.findLast(({ name }) => name === 'choice')!.data['seq'], 60);
  listeners[1]!.leave();
  await eventually(async () => {
    const again = new AbortController();
    const { status } = await fetch(`${adminUrl}/choices/stream`, { signal: again.signal });
    again.abort();
    return status === 200;
  });
});
