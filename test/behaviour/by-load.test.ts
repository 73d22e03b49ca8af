// A surface routed by load is not read, and is looked after all the same: its errors, its clients, its headers.

import { once } from 'node:events';
import { test } from 'tap';
import { captured, capturedBytes } from '../support/captures.ts';
import { call, header, openConnection, readAnswer, requestBytes } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, sized, startRawUpstream, STREAM_HEAD } from '../support/raw-upstream.ts';
import { assignment, StubDispatcher, startForwarding } from '../support/stub-dispatcher.ts';
import { eventually, startTestRouter } from '../support/test-router.ts';

const PATH = '/v1/embeddings';
/** No probe notices before a request does. */
const UNWATCHED = { slow_start_ms: 0, probe: { interval_ms: 60_000 }, scrape: { interval_ms: 60_000 } };
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-encoding: gzip\r\ncontent-length: 10\r\n\r\n';

test('an endpoint that dies between its headers and the first byte of its answer is a 502, and no mistake of the router', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => void socket.write(HEAD, () => setImmediate(() => socket.resetAndDestroy())));
  const { url, endpoints, metric, lines } = await startTestRouter(t, { endpoints: [upstream.url] });
  const answer = await call(t, url, { path: PATH, body: '{}' });
  t.match(answer, { status: 502, whole: true });
  t.match(JSON.parse(answer.body.toString()), { error: { type: 'server_error', code: 'upstream_error' } });
  t.match(header(answer, 'content-type'), 'application/json');
  t.equal(header(answer, 'content-encoding'), undefined, 'nothing of the answer that did not come');
  t.equal(await metric('warmroute_requests_total', { outcome: 'error', code: '502' }), 1);
  t.match(await endpoints(), [{ in_flight: 0 }]);
  t.same(lines().filter(({ msg }) => msg === 'unexpected error'), []);
});

test('total_ms between the headers and the first byte of an answer is a 504', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => void socket.write(HEAD));
  const { url, endpoints } = await startTestRouter(t, { endpoints: [upstream.url], timeouts: { total_ms: 200 } });
  const answer = await call(t, url, { path: PATH, body: '{}' });
  t.match(answer, { status: 504, whole: true });
  t.match(JSON.parse(answer.body.toString()), { error: { code: 'upstream_timeout', message: /total_ms/ } });
  t.match(await endpoints(), [{ in_flight: 0 }]);
});

test('an answer without a body is passed on', async (t) => {
  const heads = ['HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', `${STREAM_HEAD}${LAST_CHUNK}`, 'HTTP/1.1 204 No Content\r\n\r\n'];
  let at = 0;
  const upstream = await startRawUpstream(t, ({ socket }) => void socket.write(heads[at++]!));
  const { url, metric } = await startTestRouter(t, { endpoints: [upstream.url] });
  for (const status of [200, 200, 204]) t.match(await call(t, url, { path: PATH, body: '{}' }), { status, whole: true, body: Buffer.alloc(0) });
  await eventually(async () => (await metric('warmroute_requests_total', { outcome: 'complete' })) === 3);
});

test('an answer with several Connection lines is passed on without what they name', async (t) => {
  const lines = 'Connection: x-inner\r\nConnection: X-Other, keep-alive\r\nx-inner: 1\r\nx-other: 2\r\nx-outer: 3\r\n';
  const upstream = await startRawUpstream(t, ({ socket }) => void socket.write(`HTTP/1.1 200 OK\r\n${lines}content-length: 2\r\n\r\n{}`));
  const { url, endpoints } = await startTestRouter(t, { endpoints: [upstream.url] });
  const answer = await call(t, url, { path: PATH, body: '{}' });
  t.match(answer, { status: 200, whole: true });
  t.same(['x-inner', 'x-other', 'x-outer'].map((name) => header(answer, name)), [undefined, undefined, '3']);
  t.match(await endpoints(), [{ in_flight: 0 }]);
});

test('a client that does not read for client_stall_ms is cut off, and its endpoint freed', async (t) => {
  const piece = chunk(Buffer.alloc(60_000, 'x'));
  const upstream = await startRawUpstream(t, ({ socket }) => {
    socket.write(STREAM_HEAD);
    const more = (): void => void (socket.write(piece) ? setImmediate(more) : socket.once('drain', more));
    more();
  });
  const { url, endpoints, metric } = await startTestRouter(t, { endpoints: [upstream.url], timeouts: { client_stall_ms: 200 } });
  const client = await openConnection(t, url);
  client.socket.pause();
  client.socket.write(requestBytes({ path: PATH, body: '{}' }));
  await (await upstream.request(0)).closed;
  t.match(await endpoints(), [{ in_flight: 0 }]);
  await eventually(async () => (await metric('warmroute_requests_total', { outcome: 'client_gone' })) === 1);
});

test('a client that reads slowly, but reads, is not cut off', async (t) => {
  const bytes = 24 * 1024 * 1024;
  const upstream = await startRawUpstream(t, ({ socket }) => void socket.write(sized(200, Buffer.alloc(bytes, 'x'))));
  const { url } = await startTestRouter(t, { endpoints: [upstream.url], timeouts: { client_stall_ms: 300 } });
  const client = await openConnection(t, url);
  let read = 0;
  client.socket.removeAllListeners('data').on('data', (data) => {
    // Six pauses of a third of the limit each, so longer than it altogether.
    if (Math.floor((read + data.length) / (4 * 1024 * 1024)) > Math.floor(read / (4 * 1024 * 1024))) {
      client.socket.pause();
      setTimeout(() => client.socket.resume(), 100);
    }
    read += data.length;
  });
  client.socket.write(requestBytes({ path: PATH, body: '{}' }));
  await client.closed;
  t.ok(read > bytes, `${read} bytes came`);
});

test('header lines of a request are sent on one by one, in the case and order in which they came', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => void socket.write(sized(200, '{}')));
  const { url } = await startTestRouter(t, { endpoints: [upstream.url] });
  await call(t, url, { path: PATH, headers: ['X-Tag: 1', 'accept: a/b', 'x-tag: 2', 'X-Tag: 3'], body: '{"input":"x"}' });
  const { headers, body } = await upstream.request(0);
  t.same(headers.filter(([name]) => /^(x-tag|accept)$/i.test(name)), [['X-Tag', '1'], ['accept', 'a/b'], ['x-tag', '2'], ['X-Tag', '3']]);
  t.same(headers.filter(([name]) => /^(host|content-length|connection)$/i.test(name)).map(([name]) => name).toSorted(), ['connection', 'content-length', 'host']);
  t.equal(body.toString(), '{"input":"x"}');
});

test('a body that grows over the limit is a 413 that ends the connection: its rest is not read', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => void socket.write(sized(200, '{}')));
  const { url } = await startTestRouter(t, { endpoints: [upstream.url], admission: { body_bytes_max: 1000 } });
  const client = await openConnection(t, url);
  client.socket.write(requestBytes({ path: PATH, headers: ['connection: keep-alive', 'transfer-encoding: chunked'], body: chunk('x'.repeat(1001)) }));
  const answer = readAnswer(await client.closed);
  t.match(answer, { status: 413, whole: true });
  t.equal(header(answer, 'connection'), 'close');
});

test('a client of HTTP/1.0, to whom a closed connection is a whole answer, sees a broken one as a reset', async (t) => {
  const upstream = await startRawUpstream(t, (request) => {
    request.socket.write(STREAM_HEAD + chunk('half').toString());
    broken = () => request.socket.resetAndDestroy();
  });
  let broken = (): void => {};
  const { url } = await startTestRouter(t, { endpoints: [upstream.url] });
  const client = await openConnection(t, url);
  client.socket.write(requestBytes({ path: PATH, body: '{}' }).toString('latin1').replace('HTTP/1.1', 'HTTP/1.0'));
  await client.until((bytes) => bytes.includes('half'));
  const failed = once(client.socket, 'error');
  broken();
  t.match(await Promise.race([failed, client.closed.then(() => 'a clean end')]), [{ code: 'ECONNRESET' }]);
});

test('a body whose endpoint refuses the connection goes whole to another one, and nobody asks that endpoint again', async (t) => {
  const upstreams = [await startRawUpstream(t, ({ socket }) => void socket.write(sized(200, '{}'))), await startRawUpstream(t, ({ socket }) => void socket.write(sized(200, '{}')))];
  const { url, metric, endpoints, lines } = await startTestRouter(t, { pools: [{ endpoints: upstreams.map((each) => each.url), ...UNWATCHED }] });
  await upstreams[0]!.close();
  const body = 'x'.repeat(300_000);
  const CALLS = 30;
  for (let i = 0; i < CALLS; i += 1) {
    const chunked = i % 2 === 0;
    const sent = chunked ? { headers: ['transfer-encoding: chunked'], body: Buffer.concat([chunk(body), Buffer.from(LAST_CHUNK)]) } : { body };
    t.match(await call(t, url, { path: PATH, ...sent }), { status: 200, whole: true });
  }
  t.ok(upstreams[1]!.requests.length === CALLS && upstreams[1]!.requests.every((request) => request.body.equals(Buffer.from(body))));
  t.equal(await metric('warmroute_retries_total', { reason: 'unreachable' }), 1);
  t.match(lines().filter(({ msg }) => msg === 'retry'), [{ endpoint: upstreams[0]!.id, reason: 'unreachable' }]);
  t.match(await endpoints(), [{ available: false, in_flight: 0 }, { available: true, in_flight: 0 }]);
});

test('when the only endpoint refuses the connection the client hears of that, and the next one that nobody is there', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const { url, metric } = await startTestRouter(t, { pools: [{ endpoints: [upstream.url], ...UNWATCHED }] });
  await upstream.close();
  t.match(await call(t, url, { path: PATH, body: '{}' }), { status: 503, whole: true });
  t.match(await call(t, url, { path: PATH, body: '{}' }), { status: 503, whole: true });
  t.equal(await metric('warmroute_requests_total', { outcome: 'error', code: '503' }), 1);
});

test('what an error says of its endpoint is heard in passing, and the answer is relayed as it came', async (t) => {
  for (const [name, because] of [['overload', 'overloaded'], ['draining-new', 'draining'], ['engine-dead', 'engine_dead'], ['error-too-long', 'other']] as const) {
    const upstream = await startRawUpstream(t, ({ socket }) => void socket.end(capturedBytes(name)));
    const dispatcher = new StubDispatcher(assignment(1, upstream.id));
    const { url } = await startForwarding(t, dispatcher);
    const { status, body } = captured(name);
    t.match(await call(t, url, { path: PATH, body: '{}' }), { status, whole: true, body });
    t.same(dispatcher.finished, [[1, { kind: 'rejected', status, because }]]);
  }
});
