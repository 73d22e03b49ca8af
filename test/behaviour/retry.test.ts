// What may be tried again is: elsewhere when the endpoint failed, at the same place when only an idle connection had ended.

import { test, type Test } from 'tap';
import { call, header } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, sized, startRawUpstream, STREAM_HEAD, type RawRequest, type RawUpstream } from '../support/raw-upstream.ts';
import { CHAT, streamOf, SURFACES } from '../support/surfaces.ts';
import { startTestRouter, type TestRouter } from '../support/test-router.ts';

const body = CHAT.body('hello', true);
const whole = streamOf(CHAT, ['hello']);

const answerWhole = ({ socket }: RawRequest): void => void socket.write(STREAM_HEAD + chunk(whole).toString() + LAST_CHUNK);

/** Endpoints in turn, and no probe that could notice before a request does. */
function start(t: Test, upstreams: readonly RawUpstream[]): Promise<TestRouter> {
  return startTestRouter(t, {
    listeners: [{ name: 'prefix', host: '127.0.0.1', port: 0, policy: 'round-robin' }],
    pools: [{ endpoints: upstreams.map(({ url }) => url), slow_start_ms: 0, probe: { interval_ms: 60_000 }, scrape: { interval_ms: 60_000 } }],
  });
}

const DEATHS: readonly (readonly [when: string, die: (request: RawRequest) => void])[] = [
  ['before its answer', ({ socket }) => void socket.resetAndDestroy()],
  ['by closing before its answer', ({ socket }) => void socket.end()],
  ['between its 200 and the first event', ({ socket }) => void socket.write(STREAM_HEAD, () => socket.resetAndDestroy())],
  ['inside the first event', ({ socket }) => void socket.write(STREAM_HEAD + chunk(CHAT.opening.slice(0, -2)).toString(), () => socket.resetAndDestroy())],
];

for (const [when, die] of DEATHS) {
  test(`a request whose endpoint breaks ${when} is answered whole by another`, async (t) => {
    let requests = 0;
    const onRequest = (request: RawRequest): void => (requests++ === 0 ? die(request) : answerWhole(request));
    const upstreams = [await startRawUpstream(t, onRequest), await startRawUpstream(t, onRequest)];
    const { url, metric, endpoints } = await start(t, upstreams);
    const answer = await call(t, url, { path: CHAT.path, body });
    t.match(answer, { status: 200, whole: true });
    t.equal(answer.body.toString(), whole, 'nothing of the first attempt is in it');
    t.same(upstreams.map((upstream) => upstream.requests.length), [1, 1], 'each was asked once');
    t.equal(await metric('warmroute_retries_total', { reason: 'reset' }), 1);
    t.equal(await metric('warmroute_requests_total', { outcome: 'complete', code: '200' }), 1);
    t.match(await endpoints(), [{ in_flight: 0, queued_prompt_tokens: 0 }, { in_flight: 0, queued_prompt_tokens: 0 }]);
    const sent = upstreams.map((upstream) => upstream.requests[0]?.body.toString());
    t.same(sent, [body, body]);
  });
}

test('a refused connection is tried elsewhere, and its endpoint is left alone from then on', async (t) => {
  const upstreams = [await startRawUpstream(t, answerWhole), await startRawUpstream(t, answerWhole)];
  const { url, metric, endpoints, lines } = await start(t, upstreams);
  await upstreams[0]?.close();
  for (let i = 0; i < 4; i += 1) t.match(await call(t, url, { path: CHAT.path, body }), { status: 200, whole: true, body: Buffer.from(whole) });
  t.equal(upstreams[1]?.requests.length, 4);
  t.equal(await metric('warmroute_retries_total', { reason: 'unreachable' }), 1);
  t.match(lines().filter(({ msg }) => msg === 'retry'), [{ endpoint: upstreams[0]?.id, reason: 'unreachable' }]);
  t.match(await endpoints(), [{ available: false, in_flight: 0 }, { available: true, in_flight: 0 }]);
});

for (const surface of SURFACES) {
  test(`${surface.name}: when every endpoint breaks the client gets a 502 in its own API's shape that names none of them`, async (t) => {
    const upstreams = [await startRawUpstream(t, ({ socket }) => socket.resetAndDestroy()), await startRawUpstream(t, ({ socket }) => socket.resetAndDestroy())];
    const { url, metric } = await start(t, upstreams);
    const answer = await call(t, url, { path: surface.path, body: surface.body('hello', true) });
    t.match(answer, { status: 502, whole: true });
    t.equal(header(answer, 'content-type'), 'application/json');
    const wanted = surface.name === 'messages' ? { type: 'error', error: { type: 'api_error', message: String } } : { error: { message: String, type: 'server_error', param: null, code: 'upstream_error' } };
    t.match(JSON.parse(answer.body.toString()), wanted);
    t.notMatch(`${answer.body}${JSON.stringify(answer.headers)}`, /127\.0\.0\.1|ECONN/);
    t.same(upstreams.map(({ requests }) => requests.length), [1, 1], 'two attempts and no more');
    t.equal(await metric('warmroute_requests_total', { outcome: 'error', code: '502' }), 1);
  });
}

test('when the only endpoint breaks the client hears of that, not that there is none', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => socket.resetAndDestroy());
  const { url, metric } = await start(t, [upstream]);
  t.match(await call(t, url, { path: CHAT.path, body }), { status: 502, whole: true });
  t.equal(upstream.requests.length, 1);
  t.equal(await metric('warmroute_requests_total', { outcome: 'error', code: '502' }), 1);
});

test('refused everywhere is a 503 that says when to come back, and so is that nobody is available', async (t) => {
  const upstreams = [await startRawUpstream(t, answerWhole), await startRawUpstream(t, answerWhole)];
  const { url, metric } = await start(t, upstreams);
  for (const upstream of upstreams) await upstream.close();
  for (const path of [CHAT.path, '/v1/messages', '/v1/embeddings']) {
    const answer = await call(t, url, { path, body });
    t.match(answer, { status: 503, whole: true });
    t.match(header(answer, 'retry-after'), /^[1-9]\d*$/);
    const { error } = JSON.parse(answer.body.toString()) as { error: { type: string } };
    t.equal(error.type, path === '/v1/messages' ? 'overloaded_error' : 'server_error');
  }
  t.equal(await metric('warmroute_requests_total', { outcome: 'error', code: '503' }), 1, 'the first was tried');
  t.equal(await metric('warmroute_requests_total', { outcome: 'shed', code: '503' }), 2);
});

const LEAVINGS: readonly (readonly [how: string, leave: (request: RawRequest) => void])[] = [
  ['closes it', ({ socket }) => void socket.end()],
  ['resets it', ({ socket }) => void socket.resetAndDestroy()],
];

for (const [how, leave] of LEAVINGS) {
  test(`an endpoint that ${how} when an idle connection is used again gets the request again, and the client notices nothing`, async (t) => {
    const used = new WeakSet();
    const upstream = await startRawUpstream(t, (request) => {
      if (used.has(request.socket)) {
        leave(request);
        return;
      }
      used.add(request.socket);
      answerWhole(request);
    });
    const { url, metric, endpoints } = await start(t, [upstream]);
    for (let i = 0; i < 6; i += 1) t.match(await call(t, url, { path: CHAT.path, body }), { status: 200, whole: true, body: Buffer.from(whole) });
    t.equal(await metric('warmroute_retries_total', { reason: 'stale' }), 5);
    t.match(await endpoints(), [{ available: true, in_flight: 0 }]);
  });
}

test('a refusal by the engine is not tried elsewhere', async (t) => {
  const refuse = ({ socket }: RawRequest): void => void socket.write(sized(400, '{"error":{}}'));
  const upstreams = [await startRawUpstream(t, refuse), await startRawUpstream(t, refuse)];
  const { url } = await start(t, upstreams);
  t.match(await call(t, url, { path: CHAT.path, body }), { status: 400 });
  t.equal(upstreams.flatMap(({ requests }) => requests).length, 1);
});

test('a surface routed by load that cannot be reached is a 502 without internal addresses', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => socket.resetAndDestroy());
  const { url, endpoints } = await start(t, [upstream]);
  const answer = await call(t, url, { path: '/v1/embeddings', body: '{"input":"x"}' });
  t.match(answer, { status: 502, whole: true });
  t.match(JSON.parse(answer.body.toString()), { error: { type: 'server_error', code: 'upstream_error' } });
  t.notMatch(answer.body.toString(), /127\.0\.0\.1|ECONN|socket/);
  t.match(await endpoints(), [{ in_flight: 0 }]);
  t.equal(upstream.requests.length, 1, 'its body is not kept, so it is not sent again');
});

test('a stored answer is asked for once, whatever comes back', async (t) => {
  const answers: ((request: RawRequest) => void)[] = [({ socket }) => void socket.write(sized(503, '{}', ['retry-after: 0'])), ({ socket }) => void socket.resetAndDestroy()];
  let asked = 0;
  const upstream = await startRawUpstream(t, (request) => answers[asked++]?.(request));
  const { url } = await start(t, [upstream]);
  for (const [at, status] of [503, 502].entries()) {
    t.match(await call(t, url, { method: 'GET', path: '/v1/responses/resp_1' }), { status, whole: true });
    t.equal(upstream.requests.length, at + 1);
  }
});
