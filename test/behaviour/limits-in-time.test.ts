// Each limit in time ends a request in the way that its phase allows.

import { test } from 'tap';
import { call, openConnection, readAnswer, requestBytes } from '../support/raw-client.ts';
import { chunk, sized, startRawUpstream, STREAM_HEAD, type RawRequest } from '../support/raw-upstream.ts';
import { CHAT, SURFACES } from '../support/surfaces.ts';
import { eventually, startTestRouter } from '../support/test-router.ts';

const LIMIT_MS = 200;
/** For what must not reach its limit, also on a machine that is busy with other things. */
const AMPLE_MS = 1500;
const begun = CHAT.opening + CHAT.delta('hel');
const streamBegins = ({ socket }: RawRequest): void => void socket.write(STREAM_HEAD + chunk(begun).toString());

for (const surface of SURFACES) {
  test(`${surface.name}: no first event within first_byte_ms is a 504, whether or not there was a 200`, async (t) => {
    let at = 0;
    const upstream = await startRawUpstream(t, ({ socket }) => void (at++ > 0 && socket.write(STREAM_HEAD)));
    const { url, endpoints, metric } = await startTestRouter(t, { endpoints: [upstream.url], timeouts: { first_byte_ms: LIMIT_MS } });
    for (let i = 0; i < 2; i += 1) {
      const answer = await call(t, url, { path: surface.path, body: surface.body('hello', true) });
      t.match(answer, { status: 504, whole: true });
      const wanted = surface.name === 'messages' ? { type: 'error', error: { type: 'timeout_error', message: /first_byte_ms/ } } : { error: { code: 'upstream_timeout', message: /first_byte_ms/ } };
      t.match(JSON.parse(answer.body.toString()), wanted);
      await (await upstream.request(i)).closed;
    }
    t.match(await endpoints(), [{ in_flight: 0, queued_prompt_tokens: 0, index: { tokens: 0, blocks: 0 } }], 'it teaches nothing');
    t.equal(await metric('warmroute_requests_total', { outcome: 'error', code: '504' }), 2);
    t.equal(upstream.requests.length, 2, 'a slow endpoint is not a reason to burden another');
  });
}

test('silence of idle_ms in the middle of a stream is an error event and a cut connection', async (t) => {
  const upstream = await startRawUpstream(t, streamBegins);
  const { url, endpoints, metric } = await startTestRouter(t, { endpoints: [upstream.url], timeouts: { idle_ms: LIMIT_MS } });
  const answer = await call(t, url, { path: CHAT.path, body: CHAT.body('hello', true) });
  t.match(answer, { status: 200, whole: false });
  t.equal(answer.body.toString('utf8', 0, begun.length), begun);
  t.match(answer.body.toString('utf8', begun.length), CHAT.errorEvent);
  await (await upstream.request(0)).closed;
  t.match(await endpoints(), [{ in_flight: 0 }]);
  t.equal(await metric('warmroute_requests_total', { outcome: 'error', code: '200' }), 1);
});

test('a stream that is slow but not silent for idle_ms lives on', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => {
    socket.write(STREAM_HEAD + chunk(begun).toString());
    let sent = 0;
    const timer = setInterval(() => {
      socket.write(chunk(CHAT.delta('x')));
      if ((sent += 1) < 10) return;
      clearInterval(timer);
      socket.write(`${chunk(CHAT.terminal).toString()}0\r\n\r\n`);
    }, AMPLE_MS / 6);
  });
  const { url } = await startTestRouter(t, { endpoints: [upstream.url], timeouts: { idle_ms: AMPLE_MS, first_byte_ms: AMPLE_MS } });
  t.match(await call(t, url, { path: CHAT.path, body: CHAT.body('hello', true) }), { status: 200, whole: true });
});

test('total_ms ends a stream that goes on and on', async (t) => {
  const upstream = await startRawUpstream(t, (request) => {
    streamBegins(request);
    const timer = setInterval(() => request.socket.write(chunk(CHAT.delta('x'))), 10);
    void request.closed.then(() => clearInterval(timer));
  });
  const { url, endpoints } = await startTestRouter(t, { endpoints: [upstream.url], timeouts: { total_ms: LIMIT_MS } });
  const answer = await call(t, url, { path: CHAT.path, body: CHAT.body('hello', true) });
  t.match(answer, { status: 200, whole: false });
  t.match(answer.body.toString().split(/(?<=\n\n)/).at(-1), CHAT.errorEvent);
  await (await upstream.request(0)).closed;
  t.match(await endpoints(), [{ in_flight: 0 }]);
});

test('a client that does not read for client_stall_ms is cut off, and its endpoint freed', async (t) => {
  const piece = chunk(CHAT.delta('x'.repeat(60_000)));
  const upstream = await startRawUpstream(t, (request) => {
    streamBegins(request);
    const more = (): void => void (request.socket.write(piece) ? setImmediate(more) : request.socket.once('drain', more));
    more();
  });
  const { url, endpoints, metric } = await startTestRouter(t, { endpoints: [upstream.url], timeouts: { client_stall_ms: LIMIT_MS } });
  const client = await openConnection(t, url);
  client.socket.pause();
  client.socket.write(requestBytes({ path: CHAT.path, body: CHAT.body('hello', true) }));
  await (await upstream.request(0)).closed;
  t.match(await endpoints(), [{ in_flight: 0 }]);
  await eventually(async () => (await metric('warmroute_requests_total', { outcome: 'client_gone', code: '200' })) === 1);
  client.socket.resume();
  t.equal(readAnswer(await client.closed).whole, false);
});

test('a client that reads slowly, but reads, is not cut off', async (t) => {
  const bytes = 6_000_000;
  const upstream = await startRawUpstream(t, ({ socket }) => socket.write(sized(200, Buffer.alloc(bytes, 'x'))));
  const { url } = await startTestRouter(t, { endpoints: [upstream.url], timeouts: { client_stall_ms: AMPLE_MS, idle_ms: AMPLE_MS } });
  const client = await openConnection(t, url);
  client.socket.on('data', () => {
    client.socket.pause();
    setTimeout(() => client.socket.resume(), AMPLE_MS / 50);
  });
  const startedMs = performance.now();
  client.socket.write(requestBytes({ path: CHAT.path, body: CHAT.body('hello', false) }));
  const answer = readAnswer(await client.closed);
  t.ok(performance.now() - startedMs > AMPLE_MS, 'it took longer than it may be away');
  t.match(answer, { status: 200, whole: true });
  t.equal(answer.body.length, bytes);
});

test('a surface routed by load has the same limits', async (t) => {
  const upstream = await startRawUpstream(t, ({ path, socket }) => void (path === '/rerank' && socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf')));
  for (const limit of ['first_byte_ms', 'idle_ms', 'total_ms']) {
    const { url, endpoints, metric } = await startTestRouter(t, { endpoints: [upstream.url], timeouts: { [limit]: LIMIT_MS } });
    if (limit !== 'idle_ms') {
      const answer = await call(t, url, { path: '/v1/embeddings', body: '{}' });
      t.match(answer, { status: 504, whole: true }, limit);
      t.match(JSON.parse(answer.body.toString()), { error: { code: 'upstream_timeout', message: new RegExp(limit) } });
    }
    if (limit !== 'first_byte_ms') t.match(await call(t, url, { path: '/rerank', body: '{}' }), { status: 200, whole: false, body: Buffer.from('half') }, limit);
    for (const request of upstream.requests) await request.closed;
    t.match(await endpoints(), [{ in_flight: 0 }]);
    t.equal(await metric('warmroute_requests_total', { outcome: 'error' }), limit === 'total_ms' ? 2 : 1);
  }
});
