// The endpoint's 200 is held until its first event says that there is an answer.

import { test } from 'tap';
import { call, header, openConnection, readAnswer, requestBytes } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, startRawUpstream, STREAM_HEAD, type RawRequest } from '../support/raw-upstream.ts';
import { assignment, StubDispatcher, startForwarding } from '../support/stub-dispatcher.ts';
import { CHAT, streamOf, SURFACES } from '../support/surfaces.ts';
import { eventually, startTestRouter } from '../support/test-router.ts';

const openaiError = (code: number): string => `data: {"error": {"message": "not now", "type": "InternalServerError", "param": null, "code": ${code}}}\n\ndata: [DONE]\n\n`;
const anthropicError = (type: string): string => `event: error\ndata: {"type":"error","error":{"type":"${type}","message":"not now"}}\n\n`;

for (const surface of SURFACES) {
  test(`${surface.name}: an error as the first event is answered with its real status, as JSON`, async (t) => {
    const anthropic = surface.name === 'messages';
    const cases = anthropic
      ? [[503, anthropicError('overloaded_error')], [500, anthropicError('api_error')], [400, anthropicError('invalid_request_error')]] as const
      : [[503, openaiError(503)], [500, openaiError(500)]] as const;
    let at = 0;
    const upstream = await startRawUpstream(t, ({ socket }) => socket.write(STREAM_HEAD + chunk(cases[at++]?.[1] ?? '').toString() + LAST_CHUNK));
    const { url, endpoints, metric } = await startTestRouter(t, { endpoints: [upstream.url] });
    for (const [status, event] of cases) {
      const answer = await call(t, url, { path: surface.path, body: surface.body('hello', true), headers: ['content-type: application/json'] });
      t.match(answer, { status, whole: true });
      t.equal(header(answer, 'content-type'), 'application/json');
      t.equal(`data: ${answer.body}\n\n`, /data: .*\n\n/.exec(event)?.[0], 'its data is the body');
    }
    t.match(await endpoints(), [{ in_flight: 0, queued_prompt_tokens: 0, index: { tokens: 0, blocks: 0 } }], 'what was not computed is not recorded');
    t.equal(await metric('warmroute_requests_total', { outcome: 'error' }), cases.length);
  });
}

test('an error event that comes in pieces is held until it is whole', async (t) => {
  const upstream = await startRawUpstream(t, async ({ socket }) => {
    socket.write(STREAM_HEAD);
    for (const byte of openaiError(503)) {
      socket.write(chunk(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.write(LAST_CHUNK);
  });
  const { url } = await startTestRouter(t, { endpoints: [upstream.url] });
  const answer = await call(t, url, { path: CHAT.path, body: CHAT.body('hello', true) });
  t.match(answer, { status: 503, whole: true });
  t.match(JSON.parse(answer.body.toString()), { error: { message: 'not now', code: 503 } });
});

test('a keep-alive comment releases the 200, so that the client hears that someone is there', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => socket.write(STREAM_HEAD + chunk(': keep-alive\n\n').toString()));
  const { url } = await startTestRouter(t, { endpoints: [upstream.url] });
  const client = await openConnection(t, url);
  client.socket.write(requestBytes({ path: CHAT.path, body: CHAT.body('hello', true) }));
  await client.until((bytes) => bytes.includes(': keep-alive\n\n'));
  const { socket } = await upstream.request(0);
  socket.write(chunk(streamOf(CHAT, ['hello'])).toString() + LAST_CHUNK);
  const answer = readAnswer(await client.closed);
  t.match(answer, { status: 200, whole: true });
  t.equal(answer.body.toString(), `: keep-alive\n\n${streamOf(CHAT, ['hello'])}`);
});

test('a comment releases the role that comes with it, once', async (t) => {
  const begun = `: keep-alive\n\n${CHAT.opening}`;
  const upstream = await startRawUpstream(t, ({ socket }) => socket.write(STREAM_HEAD + chunk(begun).toString()));
  const dispatcher = new StubDispatcher(assignment(1, upstream.id));
  let ticks = 0;
  dispatcher.standing = () => {
    ticks += 1;
    return 'up';
  };
  let tokens = 0;
  dispatcher.firstToken = () => void (tokens += 1);
  const { url } = await startForwarding(t, dispatcher);
  const client = await openConnection(t, url);
  client.socket.write(requestBytes({ path: CHAT.path, body: CHAT.body('hello', true) }));
  await client.until((bytes) => bytes.includes(begun));
  const ticksThen = ticks;
  await eventually(() => ticks > ticksThen + 2);
  (await upstream.request(0)).socket.write(chunk(CHAT.delta('x') + CHAT.terminal).toString() + LAST_CHUNK);
  t.match(readAnswer(await client.closed), { whole: true, body: Buffer.from(begun + CHAT.delta('x') + CHAT.terminal) });
  t.equal(tokens, 1);
});

test('the first event releases the 200 while the rest is still to come', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => socket.write(STREAM_HEAD + chunk(CHAT.opening).toString()));
  const { url, endpoints } = await startTestRouter(t, { endpoints: [upstream.url] });
  const client = await openConnection(t, url);
  client.socket.write(requestBytes({ path: CHAT.path, body: CHAT.body('hello', true) }));
  await client.until((bytes) => bytes.includes(CHAT.opening));
  t.match(await endpoints(), [{ in_flight: 1, queued_prompt_tokens: 0 }], 'its prefill is done');
});

test('a stream that ends before any event is an error, not an empty answer', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => socket.write(STREAM_HEAD + LAST_CHUNK));
  const { url, metric } = await startTestRouter(t, { endpoints: [upstream.url] });
  const answer = await call(t, url, { path: CHAT.path, body: CHAT.body('hello', true) });
  t.match(answer, { status: 502, whole: true });
  t.match(JSON.parse(answer.body.toString()), { error: { code: 'upstream_error' } });
  t.equal(await metric('warmroute_requests_total', { outcome: 'truncated', code: '502' }), 1);
});

test('an error as the first event of one endpoint is not the answer while another has one', async (t) => {
  for (const events of [openaiError(500), CHAT.opening + openaiError(500)]) {
    let asked = 0;
    const whole = streamOf(CHAT, ['hello']);
    const onRequest = ({ socket }: RawRequest): void => void socket.write(STREAM_HEAD + chunk(asked++ === 0 ? events : whole).toString() + LAST_CHUNK);
    const upstreams = [await startRawUpstream(t, onRequest), await startRawUpstream(t, onRequest)];
    const { url, metric } = await startTestRouter(t, { endpoints: upstreams.map((upstream) => upstream.url) });
    t.match(await call(t, url, { path: CHAT.path, body: CHAT.body('hello', true) }), { status: 200, whole: true, body: Buffer.from(whole) });
    t.equal(asked, 2);
    t.equal(await metric('warmroute_retries_total', { reason: 'first_event' }), 1);
  }
});

test('a client error as the first event is the answer', async (t) => {
  let asked = 0;
  const onRequest = ({ socket }: RawRequest): void => void (asked++, socket.write(STREAM_HEAD + chunk(openaiError(400)).toString() + LAST_CHUNK));
  const upstreams = [await startRawUpstream(t, onRequest), await startRawUpstream(t, onRequest)];
  const { url } = await startTestRouter(t, { endpoints: upstreams.map((upstream) => upstream.url) });
  t.match(await call(t, url, { path: CHAT.path, body: CHAT.body('hello', true) }), { status: 400, whole: true });
  t.equal(asked, 1);
});

test('an endpoint that is slower than first_byte_ms may be left for another, once', async (t) => {
  let asked = 0;
  const whole = streamOf(CHAT, ['hello']);
  const onRequest = ({ socket }: RawRequest): void => void (asked++ > 0 && socket.write(STREAM_HEAD + chunk(whole).toString() + LAST_CHUNK));
  const upstreams = [await startRawUpstream(t, onRequest), await startRawUpstream(t, onRequest)];
  const { url, metric } = await startTestRouter(t, { endpoints: upstreams.map((upstream) => upstream.url), timeouts: { first_byte_ms: 200 } });
  t.match(await call(t, url, { path: CHAT.path, body: CHAT.body('hello', true) }), { status: 200, whole: true, body: Buffer.from(whole) });
  t.equal(await metric('warmroute_retries_total', { reason: 'first_byte' }), 1);
});

test('the role alone, without a token, is held for a moment and no longer', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => socket.write(STREAM_HEAD + chunk(CHAT.opening).toString()));
  const dispatcher = new StubDispatcher(assignment(1, upstream.id));
  let ticks = 0;
  dispatcher.standing = () => {
    ticks += 1;
    return 'up';
  };
  let tokens = 0;
  dispatcher.firstToken = () => void (tokens += 1);
  const { url } = await startForwarding(t, dispatcher);
  const client = await openConnection(t, url);
  client.socket.write(requestBytes({ path: CHAT.path, body: CHAT.body('hello', true) }));
  await client.until((bytes) => bytes.includes(CHAT.opening));
  t.ok(ticks > 0, 'until a tick at most');
  t.equal(tokens, 1, 'its prefill is done');
  (await upstream.request(0)).socket.write(chunk(CHAT.delta('x') + CHAT.terminal).toString() + LAST_CHUNK);
  t.match(readAnswer(await client.closed), { whole: true, body: Buffer.from(CHAT.opening + CHAT.delta('x') + CHAT.terminal) });
  t.equal(tokens, 1, 'told once');
});

test('an error behind a comment is no token: its endpoint has failed', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => {
    const events = `: keep-alive\n\ndata: {"error":{"message":"EngineCore encountered an issue.","type":"InternalServerError","code":500}}\n\ndata: [DONE]\n\n`;
    socket.write(STREAM_HEAD + chunk(events).toString() + LAST_CHUNK);
  });
  const router = await startTestRouter(t, { pools: [{ endpoints: [upstream.url], slow_start_ms: 0, ejection: { errors_in_row: 3 } }] });
  for (let i = 0; i < 3; i += 1) await call(t, router.url, { path: CHAT.path, body: CHAT.body(`hello ${i}`, true) });
  t.match(await router.endpoints(), [{ index: { tokens: 0 }, in_flight: 0 }], 'nothing of it is held');
  t.equal(await router.metric('warmroute_ejections_total'), 1);
});

test('an error of the client whose body breaks is not tried elsewhere', async (t) => {
  const upstreams = await Promise.all([0, 1].map(() => startRawUpstream(t, ({ socket }) => void socket.write('HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"err', () => socket.resetAndDestroy()))));
  const router = await startTestRouter(t, { endpoints: upstreams.map(({ url }) => url) });
  t.match(await call(t, router.url, { path: CHAT.path, body: CHAT.body('hello', true) }), { status: 400, whole: true });
  t.equal(upstreams.flatMap(({ requests }) => requests).length, 1);
});
