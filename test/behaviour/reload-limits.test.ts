// Limits change for the requests to come; those under way keep what they began with.

import { test } from 'tap';
import { startDeafEndpoint } from '../support/deaf-endpoint.ts';
import { call, header, openConnection, readAnswer, requestBytes } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, sized, startRawUpstream, STREAM_HEAD, type RawRequest } from '../support/raw-upstream.ts';
import { RELOADED, startReloadableRouter } from '../support/reloadable-router.ts';
import { CHAT, streamOf } from '../support/surfaces.ts';
import type { TestRouterOptions } from '../support/test-router.ts';

const whole = STREAM_HEAD + chunk(streamOf(CHAT, ['x'])).toString() + LAST_CHUNK;
const SHORT_MS = 100;

for (const path of [CHAT.path, '/v1/embeddings']) {
  test(`${path}: another size of bodies holds on connections that are open`, async (t) => {
    const upstream = await startRawUpstream(t, ({ socket }) => void socket.write(sized(200, '{}')));
    const limit = (body_bytes_max: number): TestRouterOptions => ({ endpoints: [upstream.url], admission: { body_bytes_max } });
    const router = await startReloadableRouter(t, limit(1_000));
    const body = CHAT.body('x'.repeat(3_000_000), false);
    const ask = async (headers: readonly string[] = []) => call(t, router.url, { path, body: headers.length > 0 ? chunked(body) : body, headers });
    const tooLarge = /larger than the 1000 bytes/;
    for (const headers of [[], ['transfer-encoding: chunked']]) {
      const refused = await ask(headers);
      t.equal(refused.status, 413);
      t.match(refused.body.toString(), tooLarge);
    }
    const client = await openConnection(t, router.url);
    t.same(await router.reload(limit(4_000_000)), RELOADED);
    for (const headers of [[], ['transfer-encoding: chunked']]) t.equal((await ask(headers)).status, 200);
    client.socket.write(requestBytes({ path, body }));
    t.equal(readAnswer(await client.closed).status, 200);
    t.same(await router.reload(limit(2_000_000)), RELOADED);
    t.equal((await ask()).status, 413);
  });

  test(`${path}: a request under way keeps its limit in time`, async (t) => {
    const upstream = await startRawUpstream(t, () => {});
    const limit = (first_byte_ms: number): TestRouterOptions => ({ endpoints: [upstream.url], timeouts: { first_byte_ms } });
    const router = await startReloadableRouter(t, limit(60_000));
    const patient = await openConnection(t, router.url);
    patient.socket.write(requestBytes({ path, body: CHAT.body('a', true) }));
    const { socket } = await upstream.request(0);
    t.same(await router.reload(limit(SHORT_MS)), RELOADED);
    t.equal((await call(t, router.url, { path, body: CHAT.body('b', true) })).status, 504, 'a new one has the new limit');
    t.equal(patient.received().length, 0);
    socket.write(whole);
    t.match(readAnswer(await patient.closed), { status: 200, whole: true });
    t.same(await router.reload(limit(60_000)), RELOADED);
    const again = call(t, router.url, { path, body: CHAT.body('c', true) });
    (await upstream.request(2)).socket.write(whole);
    t.equal((await again).status, 200);
  });
}

test('bodies in total, the time for a request to arrive, connections and origins hold for the listeners that are open', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => void socket.write(sized(200, '{}')));
  const listener = { name: 'prefix', host: '127.0.0.1', port: 0 };
  const before: TestRouterOptions = { endpoints: [upstream.url], listeners: [listener] };
  const router = await startReloadableRouter(t, before);
  const ask = () => call(t, router.url, { path: CHAT.path, headers: ['origin: https://page'], body: CHAT.body('x'.repeat(1000), false) });
  const first = await ask();
  t.match([first.status, header(first, 'access-control-allow-origin')], [200, undefined]);
  const slow = await openConnection(t, router.url);
  slow.socket.write('POST ');
  const limits = { admission: { body_bytes_total_max: 500, connections_max: 1 }, timeouts: { client_body_ms: SHORT_MS } };
  t.same(await router.reload({ ...before, ...limits, listeners: [{ ...listener, cors_origins: ['https://page'] }] }), RELOADED);
  t.equal((await (await openConnection(t, router.url)).closed).length, 0, 'one connection is open already');
  t.equal(readAnswer(await slow.closed).status, 408);
  const refused = await ask();
  t.match([refused.status, header(refused, 'access-control-allow-origin')], [503, 'https://page']);
  t.same(await router.reload(before), RELOADED);
  t.equal((await ask()).status, 200);
});

test('connections are given up as early as the new limit says', async (t) => {
  const endpoint = await startDeafEndpoint(t);
  const limit = (connect_ms: number): TestRouterOptions => ({
    pools: [{ endpoints: [endpoint.url], slow_start_ms: 0, probe: { interval_ms: 60_000 }, scrape: { interval_ms: 60_000 } }],
    timeouts: { connect_ms },
    retry: { attempts_max: 1 },
  });
  const router = await startReloadableRouter(t, limit(60_000));
  await endpoint.deafen();
  t.same(await router.reload(limit(SHORT_MS)), RELOADED);
  const startMs = performance.now();
  for (const path of [CHAT.path, '/v1/embeddings']) t.equal((await call(t, router.url, { path, body: CHAT.body('a', false) })).status, 503);
  t.ok(performance.now() - startMs < 30_000);
});

test('attempts are as many as the file says when a request begins', async (t) => {
  const onRequest = ({ socket }: RawRequest): void => void socket.resetAndDestroy();
  const upstreams = [await startRawUpstream(t, onRequest), await startRawUpstream(t, onRequest)];
  const attempts = (attempts_max: number): TestRouterOptions => ({
    pools: [{ endpoints: upstreams.map(({ url }) => url), slow_start_ms: 0 }],
    retry: { attempts_max },
  });
  const router = await startReloadableRouter(t, attempts(1));
  const asked = (): number => upstreams.reduce((sum, { requests }) => sum + requests.length, 0);
  t.equal((await call(t, router.url, { path: CHAT.path, body: CHAT.body('a', true) })).status, 502);
  t.equal(asked(), 1);
  t.same(await router.reload(attempts(2)), RELOADED);
  t.equal((await call(t, router.url, { path: CHAT.path, body: CHAT.body('b', true) })).status, 502);
  t.equal(asked(), 3);
});

test('requests are logged as the new level and share say', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => void socket.write(whole));
  const logged = (log: object): TestRouterOptions => ({ endpoints: [upstream.url], log });
  const router = await startReloadableRouter(t, logged({ level: 'info' }));
  const requests = (): number => router.lines().filter(({ msg }) => msg === 'request').length;
  const ask = (): Promise<unknown> => call(t, router.url, { path: CHAT.path, body: CHAT.body('a', true) });
  await ask();
  t.equal(requests(), 1);
  for (const quiet of [{ level: 'error' }, { level: 'info', sample_ratio: 0 }]) {
    t.same(await router.reload(logged(quiet)), RELOADED);
    await ask();
    t.equal(requests(), 1);
  }
  t.same(await router.reload(logged({ level: 'info' })), RELOADED);
  await ask();
  t.equal(requests(), 2);
});

test('the size of KV caches and the match ratio of a policy change', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => void socket.write(whole));
  const prefix = (kv_cache_tokens: number): TestRouterOptions => ({ endpoints: [upstream.url], prefix: { kv_cache_tokens } });
  const router = await startReloadableRouter(t, prefix(10_000));
  t.match(await router.endpoints(), [{ index: { capacity_tokens: 10_000 } }]);
  t.same(await router.reload(prefix(20_000)), RELOADED);
  t.match(await router.endpoints(), [{ index: { capacity_tokens: 20_000 } }]);
});

function chunked(body: string): string {
  return `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n`;
}
