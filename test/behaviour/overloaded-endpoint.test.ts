// An endpoint that says that it takes nothing now: the request goes elsewhere, within the retry budget, and else the client hears it in the endpoint's words.

import { test, type Test } from 'tap';
import { capturedBytes, captured } from '../support/captures.ts';
import { call, header } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, sized, startRawUpstream, STREAM_HEAD, type RawRequest, type RawUpstream } from '../support/raw-upstream.ts';
import { CHAT, streamOf, SURFACES } from '../support/surfaces.ts';
import { startTestRouter, type TestRouter } from '../support/test-router.ts';

const saying = (bytes: Buffer) => ({ socket }: RawRequest): void => void socket.end(bytes);
const overloaded = saying(capturedBytes('overload'));

/** Two endpoints in turn. */
async function start(t: Test, onRequests: readonly ((request: RawRequest) => void)[], keys: Record<string, unknown> = {}): Promise<TestRouter & { readonly upstreams: readonly RawUpstream[] }> {
  const upstreams = await Promise.all(onRequests.map((onRequest) => startRawUpstream(t, onRequest)));
  const listeners = [{ name: 'prefix', host: '127.0.0.1', port: 0, policy: 'round-robin' }];
  return { ...(await startTestRouter(t, { endpoints: upstreams.map(({ url }) => url), listeners, ...keys })), upstreams };
}

/** The first that is asked says this, the other answers whole. */
function firstSays(bytes: Buffer, whole: string): readonly ((request: RawRequest) => void)[] {
  let asked = 0;
  const onRequest = ({ socket }: RawRequest): void => void (asked++ === 0 ? socket.end(bytes) : socket.write(STREAM_HEAD + chunk(whole).toString() + LAST_CHUNK));
  return [onRequest, onRequest];
}

for (const surface of SURFACES) {
  test(`${surface.name}: what one endpoint takes no more is answered whole by another`, async (t) => {
    const whole = streamOf(surface, ['hello']);
    const { url, metric, endpoints, upstreams } = await start(t, firstSays(capturedBytes(surface.name === 'messages' ? 'overload-messages' : 'overload'), whole));
    const answer = await call(t, url, { path: surface.path, body: surface.body('hello', true) });
    t.match(answer, { status: 200, whole: true, body: Buffer.from(whole) });
    t.same(upstreams.map(({ requests }) => requests.length), [1, 1]);
    t.equal(await metric('warmroute_retries_total', { reason: 'overloaded' }), 1);
    t.equal(await metric('warmroute_requests_total', { outcome: 'complete', code: '200' }), 1);
    t.match(await endpoints(), [{ in_flight: 0 }, { in_flight: 0 }]);
  });
}

test('so is what is refused as the first event of a stream', async (t) => {
  const whole = streamOf(CHAT, ['hello']);
  const { url, metric } = await start(t, firstSays(capturedBytes('overload-stream-error-in-200'), whole));
  t.match(await call(t, url, { path: CHAT.path, body: CHAT.body('hello', true) }), { status: 200, whole: true, body: Buffer.from(whole) });
  t.equal(await metric('warmroute_retries_total', { reason: 'overloaded' }), 1);
});

test('when every endpoint is overloaded the client gets what the second one said, and its SDK does not multiply the tries', async (t) => {
  const { url, upstreams } = await start(t, [overloaded, overloaded, overloaded]);
  const answer = await call(t, url, { path: CHAT.path, body: CHAT.body('hello', false) });
  const { body } = captured('overload');
  t.match(answer, { status: 503, whole: true, body });
  t.match(answer.headers.map(([name]) => name.toLowerCase()).toSorted(), ['connection', 'content-length', 'content-type', 'date', 'vary', 'x-request-id', 'x-should-retry']);
  t.equal(header(answer, 'x-should-retry'), 'false');
  t.equal(upstreams.flatMap(({ requests }) => requests).length, 2);
});

test('what the only endpoint says goes to the client as it came', async (t) => {
  const { url, metric } = await start(t, [overloaded]);
  const answer = await call(t, url, { path: CHAT.path, body: CHAT.body('hello', false) });
  t.match(answer, { status: 503, whole: true, body: captured('overload').body });
  t.equal(header(answer, 'x-should-retry'), undefined, 'one try says nothing of the next');
  t.equal(header(answer, 'date'), 'Sun, 22 Nov 2026 13:04:42 GMT');
  t.equal(await metric('warmroute_retries_total'), 0, 'a retry that found nobody was none');
});

test('without a retry budget the client hears at once what the endpoint said', async (t) => {
  const { url, upstreams, metric } = await start(t, [overloaded, overloaded], { retry: { budget_ratio: 0, budget_min: 0 } });
  t.match(await call(t, url, { path: CHAT.path, body: CHAT.body('hello', false) }), { status: 503, body: captured('overload').body });
  t.equal(upstreams.flatMap(({ requests }) => requests).length, 1);
  t.equal(await metric('warmroute_retries_total'), 0);
});

for (const status of [400, 404, 429]) {
  test(`a ${status} is never tried elsewhere, whatever it says`, async (t) => {
    const bytes = sized(status, captured('overload').body);
    const { url, upstreams } = await start(t, [saying(bytes), saying(bytes)]);
    t.match(await call(t, url, { path: CHAT.path, body: CHAT.body('hello', false) }), { status, body: captured('overload').body });
    t.equal(upstreams.flatMap(({ requests }) => requests).length, 1);
  });
}

test('an error that is too large to be held goes out as it comes', async (t) => {
  const begun = 'x'.repeat(70_000);
  const { url, upstreams } = await start(t, [({ socket }) => socket.write(`HTTP/1.1 503 Service Unavailable\r\ntransfer-encoding: chunked\r\n\r\n${chunk(begun)}`)]);
  const answered = call(t, url, { path: CHAT.path, body: CHAT.body('hello', false) });
  const { socket } = await upstreams[0]!.request(0);
  setTimeout(() => socket.write(chunk('y'.repeat(10)).toString() + LAST_CHUNK), 50);
  t.match(await answered, { status: 503, whole: true, body: Buffer.from(`${begun}${'y'.repeat(10)}`) });
  t.equal(upstreams[0]!.requests.length, 1);
});
