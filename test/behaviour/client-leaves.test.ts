// A client that leaves frees the endpoint and its lease in every phase, and the index keeps only what was computed.

import { once } from 'node:events';
import { test, type Test } from 'tap';
import { startSimulator } from '../../bench/simulator/simulator.ts';
import { startDeafEndpoint } from '../support/deaf-endpoint.ts';
import { openConnection, requestBytes, type Connection } from '../support/raw-client.ts';
import { chunk, sized, startRawUpstream, STREAM_HEAD, type RawRequest, type RawUpstream } from '../support/raw-upstream.ts';
import { CHAT, streamOf, SURFACES } from '../support/surfaces.ts';
import { eventually, startTestRouter, type TestRouter } from '../support/test-router.ts';

const WITHIN_MS = 1000;

/** A FIN says that the client has nothing more to say; a client of HTTP that does so before its answer has left. */
const LEAVINGS: readonly (readonly [how: string, leave: (client: Connection) => void])[] = [
  ['by a reset', ({ socket }) => void socket.resetAndDestroy()],
  ['by a close', ({ socket }) => void socket.destroy()],
  ['by the end of what it sends', ({ socket }) => void socket.end()],
];

interface Phase {
  readonly name: string;
  /** What the endpoint has said when the client leaves. */
  readonly said: string;
  /** Whether the prompt had been computed by then. */
  readonly computed: boolean;
}

const PHASES: readonly Phase[] = [
  { name: 'before any answer', said: '', computed: false },
  { name: 'while the 200 is held', said: STREAM_HEAD, computed: false },
  { name: 'inside the first event', said: STREAM_HEAD + chunk(CHAT.opening.slice(0, -1)).toString(), computed: false },
  { name: 'after a keep-alive comment', said: STREAM_HEAD + chunk(': keep-alive\n\n').toString(), computed: false },
  { name: 'in the middle of a stream', said: STREAM_HEAD + chunk(CHAT.opening + CHAT.delta('hel')).toString(), computed: true },
];

async function connected(t: Test, url: string, path: string, body: string): Promise<Connection> {
  const client = await openConnection(t, url);
  client.socket.write(requestBytes({ path, body, headers: ['content-type: application/json'] }));
  return client;
}

/** Rejects when the promise does not settle in time. */
async function soon<T>(promise: Promise<T>): Promise<T> {
  const late = AbortSignal.timeout(WITHIN_MS);
  return Promise.race([promise, once(late, 'abort').then(() => Promise.reject(new Error(`Nothing for ${WITHIN_MS} ms`)))]);
}

async function start(t: Test, onRequest: (request: RawRequest) => void): Promise<{ upstream: RawUpstream; router: TestRouter }> {
  const upstream = await startRawUpstream(t, onRequest);
  return { upstream, router: await startTestRouter(t, { endpoints: [upstream.url] }) };
}

for (const { name, said, computed } of PHASES) {
  for (const [how, leave] of LEAVINGS) {
    test(`a client that leaves ${name} ${how}`, async (t) => {
      const { upstream, router } = await start(t, ({ socket }) => void (said !== '' && socket.write(said)));
      const client = await connected(t, router.url, CHAT.path, CHAT.body('x'.repeat(1000), true));
      const request = await upstream.request(0);
      const [before] = await router.endpoints();
      t.match(before, { in_flight: 1 });
      t.equal(before!.queued_prompt_tokens === 0, computed, 'the phase is the one that is meant');
      leave(client);
      await soon(request.closed);
      t.match(await router.endpoints(), [{ in_flight: 0, queued_prompt_tokens: 0 }], 'the lease is back when the connection is gone');
      const [after] = await router.endpoints();
      t.equal(after!.index.blocks > 0, computed);
      t.equal(after!.index.tokens > 0, computed);
      await eventually(async () => (await router.metric('warmroute_requests_total', { outcome: 'client_gone' })) === 1);
      t.equal(await router.metric('warmroute_retries_total'), 0);
      t.equal(upstream.requests.length, 1);
    });
  }
}

for (const surface of SURFACES) {
  test(`${surface.name}: a client that leaves while waiting for an answer that is no stream`, async (t) => {
    const { upstream, router } = await start(t, () => {});
    const client = await connected(t, router.url, surface.path, surface.body('hello', false));
    const request = await upstream.request(0);
    client.socket.resetAndDestroy();
    await soon(request.closed);
    t.match(await router.endpoints(), [{ in_flight: 0, queued_prompt_tokens: 0, index: { tokens: 0, blocks: 0 } }]);
    await eventually(async () => (await router.metric('warmroute_requests_total', { outcome: 'client_gone', code: '499' })) === 1);
  });
}

for (const [how, leave] of LEAVINGS) {
  test(`a client that leaves a surface routed by load ${how}, before the answer and in the middle of it`, async (t) => {
    const { upstream, router } = await start(t, ({ path, socket }) => void (path === '/rerank' && socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf')));
    for (const [at, path] of ['/v1/embeddings', '/rerank'].entries()) {
      const client = await connected(t, router.url, path, '{"input":"x"}');
      const request = await upstream.request(at);
      if (path === '/rerank') await client.until((bytes) => bytes.includes('half'));
      t.match(await router.endpoints(), [{ in_flight: 1 }]);
      leave(client);
      await soon(request.closed);
      t.match(await router.endpoints(), [{ in_flight: 0 }]);
    }
    await eventually(async () => (await router.metric('warmroute_requests_total', { outcome: 'client_gone' })) === 2);
    t.equal(await router.metric('warmroute_requests_total'), 2);
  });
}

test('a client that leaves while its body of a surface routed by load is half sent', async (t) => {
  const { upstream, router } = await start(t, ({ socket }) => socket.write(sized(200, '{}')));
  const client = await openConnection(t, router.url);
  client.socket.write(requestBytes({ path: '/tokenize', headers: ['content-length: 1000'], body: 'half' }));
  await eventually(async () => (await router.endpoints())[0]?.in_flight === 1);
  client.socket.resetAndDestroy();
  await eventually(async () => (await router.endpoints())[0]?.in_flight === 0, WITHIN_MS);
  t.equal(upstream.requests.length, 0);
});

test('a client that leaves while the endpoint is being connected to: the request is never sent', async (t) => {
  const endpoint = await startDeafEndpoint(t);
  const router = await startTestRouter(t, { pools: [{ endpoints: [endpoint.url], probe: { interval_ms: 60_000 }, scrape: { interval_ms: 60_000 } }] });
  await endpoint.deafen();
  const client = await connected(t, router.url, CHAT.path, CHAT.body('left', true));
  await eventually(async () => (await router.endpoints())[0]?.in_flight === 1);
  client.socket.resetAndDestroy();
  await eventually(async () => (await router.endpoints())[0]?.in_flight === 0, WITHIN_MS);
  t.match(await router.endpoints(), [{ queued_prompt_tokens: 0, index: { tokens: 0, blocks: 0 } }]);
  endpoint.listenAgain();
  const stayed = await connected(t, router.url, CHAT.path, CHAT.body('stayed', false));
  await stayed.closed;
  t.same(await endpoint.asked(), [CHAT.path], 'the one that stayed');
});

test('a client that leaves after the whole answer came has left nothing', async (t) => {
  const whole = streamOf(CHAT, ['hello']);
  const { router } = await start(t, ({ socket }) => socket.write(`${STREAM_HEAD + chunk(whole).toString()}0\r\n\r\n`));
  const client = await connected(t, router.url, CHAT.path, CHAT.body('hello', true));
  await client.until((bytes) => bytes.includes('0\r\n\r\n'));
  client.socket.resetAndDestroy();
  await eventually(async () => (await router.metric('warmroute_requests_total', { outcome: 'complete' })) === 1);
  t.equal(await router.metric('warmroute_requests_total'), 1);
});

test('the engine stops computing for a client that left, in prefill and in the middle of a stream', async (t) => {
  const simulator = await startSimulator({ timeScale: 1, model: 'm' });
  t.teardown(() => simulator.close());
  const router = await startTestRouter(t, { endpoints: [simulator.url] });
  for (const prompt of ['word '.repeat(40_000), 'short']) {
    const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: prompt }], stream: true, max_tokens: 5000, ignore_eos: true });
    const client = await connected(t, router.url, CHAT.path, body);
    await eventually(() => simulator.state().running === 1);
    if (prompt === 'short') await client.until((bytes) => bytes.toString().split('data: ').length > 5);
    client.socket.resetAndDestroy();
    await eventually(() => simulator.state().running === 0 && simulator.state().openStreams <= 1, WITHIN_MS);
    t.match(simulator.state().requests.at(-1), { outcome: 'aborted' });
    t.match(await router.endpoints(), [{ in_flight: 0, queued_prompt_tokens: 0 }]);
  }
});

for (const path of [CHAT.path, '/v1/embeddings']) {
  test(`${path}: a client that leaves in the middle of its body is nobody's failure`, async (t) => {
    const upstream = await startRawUpstream(t, () => {});
    const router = await startTestRouter(t, { endpoints: [upstream.url] });
    const client = await openConnection(t, router.url);
    client.socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"mod`);
    client.socket.resetAndDestroy();
    await eventually(async () => (await router.metric('warmroute_requests_total', { outcome: 'client_gone', code: '499' })) === 1);
    t.equal(await router.metric('warmroute_requests_total'), 1);
  });
}
