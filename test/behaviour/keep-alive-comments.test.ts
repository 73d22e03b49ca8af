// Where it is switched on, a stream that waits long gets comments, so that nothing between client and router takes it for dead.

import { test, type Test } from 'tap';
import { capturedBytes } from '../support/captures.ts';
import { call, header, openConnection, readAnswer, requestBytes, type Connection } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, sized, startRawUpstream, STREAM_HEAD, type RawRequest } from '../support/raw-upstream.ts';
import { CHAT, streamOf, SURFACES, type SurfaceCase } from '../support/surfaces.ts';
import { eventually, startTestRouter, type TestRouter } from '../support/test-router.ts';

const ON = { admission: { keep_alive_comment_ms: 100 } };
const COMMENT = ': waiting\n\n';

async function ask(t: Test, { url }: TestRouter, surface: SurfaceCase, text = 'hello'): Promise<Connection> {
  const client = await openConnection(t, url);
  client.socket.write(requestBytes({ path: surface.path, body: surface.body(text, true) }));
  return client;
}

const hasComments = (count: number) => (bytes: Buffer): boolean => bytes.toString().split(COMMENT).length > count;
const withoutComments = (body: Buffer): string => body.toString().replaceAll(COMMENT, '');

for (const surface of SURFACES) {
  test(`${surface.name}: comments while it waits for its first event, then the stream as it comes`, async (t) => {
    const upstream = await startRawUpstream(t, () => {});
    const router = await startTestRouter(t, { endpoints: [upstream.url], ...ON });
    const client = await ask(t, router, surface);
    await client.until(hasComments(3));
    const whole = streamOf(surface, ['hello']);
    (await upstream.request(0)).socket.write(STREAM_HEAD + chunk(whole).toString() + LAST_CHUNK);
    const answer = readAnswer(await client.closed);
    t.match(answer, { status: 200, whole: true });
    t.equal(header(answer, 'content-type'), 'text/event-stream; charset=utf-8');
    t.ok(answer.body.toString().startsWith(COMMENT.repeat(3)));
    t.ok(answer.body.toString().endsWith(whole), 'and no comment once it has begun');
    t.equal(await router.metric('warmroute_requests_total', { outcome: 'complete', code: '200' }), 1);
  });

  test(`${surface.name}: an error after a comment is an error event and a cut connection, for its status is out`, async (t) => {
    const upstream = await startRawUpstream(t, () => {});
    const router = await startTestRouter(t, { endpoints: [upstream.url], ...ON });
    const client = await ask(t, router, surface);
    await client.until(hasComments(1));
    (await upstream.request(0)).socket.end(sized(400, '{"error":{"message":"too long","code":400}}'));
    const answer = readAnswer(await client.closed);
    t.match(answer, { status: 200, whole: false });
    t.match(withoutComments(answer.body), surface.errorEvent);
    t.match(withoutComments(answer.body), 'too long');
    t.notMatch(answer.body.toString(), '[DONE]');
    t.equal(await router.metric('warmroute_requests_total', { outcome: 'error', code: '200' }), 1);
  });
}

test('after comments it is still tried elsewhere', async (t) => {
  let asked = 0;
  const requests: RawRequest[] = [];
  const whole = streamOf(CHAT, ['hello']);
  const onRequest = (request: RawRequest): void => void (asked++ === 0 ? requests.push(request) : request.socket.write(STREAM_HEAD + chunk(whole).toString() + LAST_CHUNK));
  const upstreams = [await startRawUpstream(t, onRequest), await startRawUpstream(t, onRequest)];
  const router = await startTestRouter(t, { endpoints: upstreams.map(({ url }) => url), ...ON });
  const client = await ask(t, router, CHAT);
  await client.until(hasComments(1));
  // The endpoint's own comment adds nothing then, and does not bind the request to it.
  requests[0]!.socket.write(STREAM_HEAD + chunk(': keep-alive\n\n').toString());
  await client.until(hasComments(3));
  requests[0]!.socket.resetAndDestroy();
  const answer = readAnswer(await client.closed);
  t.match(answer, { status: 200, whole: true });
  t.equal(withoutComments(answer.body), whole);
  t.equal(await router.metric('warmroute_retries_total', { reason: 'reset' }), 1);
});

test('comments while it waits in the queue, and an error event when its time there is over', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const pools = [{ endpoints: [upstream.url], slow_start_ms: 0, in_flight_max: 1 }];
  const router = await startTestRouter(t, { pools, admission: { ...ON.admission, queue_wait_max_ms: 1000 } });
  const first = await ask(t, router, CHAT);
  await upstream.request(0);
  const waiting = await ask(t, router, CHAT);
  await waiting.until(hasComments(2));
  const answer = readAnswer(await waiting.closed);
  t.match(answer, { status: 200, whole: false });
  t.match(JSON.parse(withoutComments(answer.body).slice('data: '.length)), { error: { code: 'queue_timeout', message: String } });
  t.equal(upstream.requests.length, 1);
  first.socket.destroy();
  await eventually(async () => (await router.endpoints())[0]?.in_flight === 0);
  t.equal(await router.metric('warmroute_requests_total', { outcome: 'shed', code: '200' }), 1);
});

test('an answer that is no stream cannot follow a comment', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const router = await startTestRouter(t, { endpoints: [upstream.url], ...ON });
  for (const [at, bytes] of [sized(200, '{}'), sized(200, 'x'.repeat(100_000)), sized(500, 'x'.repeat(100_000))].entries()) {
    const client = await ask(t, router, CHAT);
    await client.until(hasComments(1));
    (await upstream.request(at)).socket.write(bytes);
    const answer = readAnswer(await client.closed);
    t.match(answer, { status: 200, whole: false });
    t.match(withoutComments(answer.body), CHAT.errorEvent);
  }
});

test('a client that leaves after a comment frees its endpoint', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const router = await startTestRouter(t, { endpoints: [upstream.url], ...ON });
  const client = await ask(t, router, CHAT);
  await client.until(hasComments(1));
  client.socket.destroy();
  await (await upstream.request(0)).closed;
  await eventually(async () => (await router.metric('warmroute_requests_total', { outcome: 'client_gone', code: '200' })) === 1);
});

test('an answer that is asked for whole, and any where it is off, keeps its status to the end', async (t) => {
  for (const [stream, keys] of [[false, ON], [true, {}]] as const) {
    const upstream = await startRawUpstream(t, ({ socket }) => void setTimeout(() => socket.end(capturedBytes('overload')), 500));
    const { url } = await startTestRouter(t, { endpoints: [upstream.url], ...keys });
    t.match(await call(t, url, { path: CHAT.path, body: CHAT.body('hello', stream) }), { status: 503, whole: true });
  }
});
