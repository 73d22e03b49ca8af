// The endpoint's 200 is held until its first event says that there is an answer.

import { test } from 'tap';
import { call, header, openConnection, readAnswer, requestBytes } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, startRawUpstream, STREAM_HEAD } from '../support/raw-upstream.ts';
import { CHAT, streamOf, SURFACES } from '../support/surfaces.ts';
import { startTestRouter } from '../support/test-router.ts';

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
