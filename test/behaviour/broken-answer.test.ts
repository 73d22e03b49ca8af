// An answer that breaks after it began: the client gets what came, hears of the error where it can, and never sees a clean end.

import { gzipSync } from 'node:zlib';
import { test, type Test } from 'tap';
import { call, type Answer } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, sized, startRawUpstream, STREAM_HEAD, type RawRequest } from '../support/raw-upstream.ts';
import { CHAT, streamOf, SURFACES, type SurfaceCase } from '../support/surfaces.ts';
import { startTestRouter, type TestRouter } from '../support/test-router.ts';

interface Result {
  readonly answer: Answer;
  readonly body: string;
  readonly router: TestRouter;
}

/** One stream that the endpoint answers this way, on a router with a second endpoint that must not be asked. */
async function streamed(t: Test, surface: SurfaceCase, write: (request: RawRequest) => void): Promise<Result> {
  const upstreams = [await startRawUpstream(t, write), await startRawUpstream(t, write)];
  const router = await startTestRouter(t, { endpoints: upstreams.map(({ url }) => url) });
  const answer = await call(t, router.url, { path: surface.path, body: surface.body('hello', true) });
  t.equal(upstreams.flatMap(({ requests }) => requests).length, 1, 'it is not tried again');
  t.same((await router.endpoints()).map(({ in_flight }) => in_flight), [0, 0]);
  return { answer, body: answer.body.toString(), router };
}

function outcomes({ router }: Result, outcome: string): Promise<number> {
  return router.metric('warmroute_requests_total', { outcome, code: '200' });
}

/** A second write, so that the first one has been relayed when it comes. */
function then(request: RawRequest, first: string | Buffer, last: () => void): void {
  request.socket.write(first, () => setImmediate(last));
}

for (const surface of SURFACES) {
  const begun = surface.opening + surface.delta('hel');

  test(`${surface.name}: reset between events, the client gets an error event and a cut connection`, async (t) => {
    const result = await streamed(t, surface, (request) => then(request, STREAM_HEAD + chunk(begun).toString(), () => request.socket.resetAndDestroy()));
    t.match(result.answer, { status: 200, whole: false });
    t.equal(result.body.slice(0, begun.length), begun);
    t.match(result.body.slice(begun.length), surface.errorEvent);
    t.notMatch(result.body, '[DONE]');
    t.notMatch(result.body, /127\.0\.0\.1|ECONN/);
    t.equal(await outcomes(result, 'error'), 1);
  });

  test(`${surface.name}: reset inside an event, the connection is cut and nothing is added`, async (t) => {
    const cut = begun + surface.delta('lo').slice(0, -1);
    const result = await streamed(t, surface, (request) => then(request, STREAM_HEAD + chunk(cut).toString(), () => request.socket.resetAndDestroy()));
    t.match(result.answer, { status: 200, whole: false });
    t.equal(result.body, cut);
    t.equal(await outcomes(result, 'error'), 1);
  });

  test(`${surface.name}: a clean end without the terminal event is truncated, and the client is told so`, async (t) => {
    const result = await streamed(t, surface, ({ socket }) => socket.write(STREAM_HEAD + chunk(begun).toString() + LAST_CHUNK));
    t.match(result.answer, { status: 200, whole: false });
    t.equal(result.body.slice(0, begun.length), begun);
    t.match(result.body.slice(begun.length), surface.errorEvent);
    t.equal(await outcomes(result, 'truncated'), 1);
  });

  test(`${surface.name}: so is a connection that closes where its close is the only end`, async (t) => {
    const head = STREAM_HEAD.replace('transfer-encoding: chunked', 'connection: close');
    const result = await streamed(t, surface, ({ socket }) => socket.end(head + begun));
    t.match(result.answer, { status: 200, whole: false });
    t.match(result.body.slice(begun.length), surface.errorEvent);
    t.equal(await outcomes(result, 'truncated'), 1);
  });

  test(`${surface.name}: after the terminal event a reset spoils nothing`, async (t) => {
    const whole = streamOf(surface, ['hel', 'lo']);
    const result = await streamed(t, surface, (request) => then(request, STREAM_HEAD + chunk(whole).toString(), () => request.socket.resetAndDestroy()));
    t.match(result.answer, { status: 200, whole: true });
    t.equal(result.body, whole);
    t.equal(await outcomes(result, 'complete'), 1);
  });

  test(`${surface.name}: an answer that is no stream and comes short of its length is cut`, async (t) => {
    const upstream = await startRawUpstream(t, ({ socket }) => socket.end('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 20000\r\n\r\n{"id":'));
    const { url, metric } = await startTestRouter(t, { endpoints: [upstream.url] });
    const answer = await call(t, url, { path: surface.path, body: surface.body('hello', false) });
    t.match(answer, { status: 200, whole: false, body: Buffer.from('{"id":') });
    t.equal(await metric('warmroute_requests_total', { outcome: 'complete' }), 0);
  });
}

test('an error that the engine reports in the middle is passed on and counted as one, and the connection ends as the engine ended it', async (t) => {
  const whole = `${CHAT.opening}${CHAT.delta('hel')}data: {"error": {"message": "EngineCore encountered an issue", "code": 500}}\n\ndata: [DONE]\n\n`;
  const result = await streamed(t, CHAT, ({ socket }) => socket.write(STREAM_HEAD + chunk(whole).toString() + LAST_CHUNK));
  t.match(result.answer, { status: 200, whole: true });
  t.equal(result.body, whole);
  t.equal(await outcomes(result, 'error'), 1);
});

test('a compressed stream that breaks is cut and nothing is added', async (t) => {
  const bytes = gzipSync(streamOf(CHAT, ['hello'])).subarray(0, 40);
  const head = STREAM_HEAD.replace('\r\n\r\n', '\r\ncontent-encoding: gzip\r\n\r\n');
  const result = await streamed(t, CHAT, (request) => then(request, Buffer.concat([Buffer.from(head), chunk(bytes)]), () => request.socket.resetAndDestroy()));
  t.match(result.answer, { status: 200, whole: false });
  t.ok(result.answer.body.equals(bytes));
});

test('a stream with a length that breaks is cut and nothing is added', async (t) => {
  const head = STREAM_HEAD.replace('transfer-encoding: chunked', 'content-length: 5000');
  const begun = CHAT.opening + CHAT.delta('hel');
  const result = await streamed(t, CHAT, (request) => then(request, head + begun, () => request.socket.resetAndDestroy()));
  t.match(result.answer, { status: 200, whole: false });
  t.equal(result.body, begun);
});

test('a stream with a length that has all of it and no terminal event is truncated, and the client has all of it', async (t) => {
  const begun = CHAT.opening + CHAT.delta('hel');
  const head = STREAM_HEAD.replace('transfer-encoding: chunked', `content-length: ${begun.length}`);
  const result = await streamed(t, CHAT, ({ socket }) => socket.write(head + begun));
  t.equal(result.answer.status, 200);
  t.equal(result.body, begun);
  t.equal(await outcomes(result, 'truncated'), 1);
});

test('a surface routed by load whose answer comes short is cut', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort'));
  const { url, endpoints, metric } = await startTestRouter(t, { endpoints: [upstream.url] });
  const answer = await call(t, url, { path: '/v1/embeddings', body: '{}' });
  t.match(answer, { status: 200, whole: false, body: Buffer.from('short') });
  t.match(await endpoints(), [{ in_flight: 0 }]);
  t.equal(await metric('warmroute_requests_total', { outcome: 'complete' }), 0);
});

test('a short answer that is no stream goes out when it is whole, so one that breaks is answered by another endpoint', async (t) => {
  const whole = '{"choices":[{"message":{"content":"hello"},"finish_reason":"stop"}]}';
  let asked = 0;
  const onRequest = ({ socket }: RawRequest): void => void (asked++ === 0 ? socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${whole.length}\r\n\r\n${whole.slice(0, 9)}`) : socket.write(sized(200, whole)));
  const upstreams = [await startRawUpstream(t, onRequest), await startRawUpstream(t, onRequest)];
  const { url } = await startTestRouter(t, { endpoints: upstreams.map((upstream) => upstream.url) });
  const answer = await call(t, url, { path: CHAT.path, body: CHAT.body('hello', false) });
  t.match(answer, { status: 200, whole: true, body: Buffer.from(whole) });
  t.equal(asked, 2);
});
