// Listeners come, go and move while requests are under way.

import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { test, type Test } from 'tap';
import { call, openConnection, readAnswer, requestBytes, type Connection } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, startRawUpstream, STREAM_HEAD, type RawRequest, type RawUpstream } from '../support/raw-upstream.ts';
import { askReload, RELOADED, startReloadableRouter } from '../support/reloadable-router.ts';
import { CHAT, streamOf } from '../support/surfaces.ts';
import { eventually } from '../support/test-router.ts';

const begin = ({ socket }: RawRequest): void => void socket.write(STREAM_HEAD + chunk(CHAT.opening).toString());
const end = ({ socket }: RawRequest): void => void socket.write(chunk(CHAT.delta('x') + CHAT.terminal).toString() + LAST_CHUNK);
const answerWhole = (request: RawRequest): void => (begin(request), end(request));
const listener = (name: string, more: object = {}): object => ({ name, host: '127.0.0.1', port: 0, policy: 'round-robin', ...more });
const models = { method: 'GET', path: '/v1/models' };

async function openStream(t: Test, url: string): Promise<Connection> {
  const client = await openConnection(t, url);
  client.socket.write(requestBytes({ path: CHAT.path, headers: ['connection: keep-alive'], body: CHAT.body('hello', true) }));
  await client.until((bytes) => bytes.includes(CHAT.opening));
  return client;
}

const refuses = (url: string): Promise<boolean> => fetch(url).then(() => false, () => true);

async function listenSomewhere(): Promise<{ readonly port: number; readonly close: () => Promise<void> }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** Something else listens there. */
async function takenPort(t: Test): Promise<number> {
  const { port, close } = await listenSomewhere();
  t.teardown(close);
  return port;
}

async function freePort(): Promise<number> {
  const { port, close } = await listenSomewhere();
  await close();
  return port;
}

test('a listener that is added serves by its own policy, and the others are not touched', async (t) => {
  const upstream = await startRawUpstream(t, answerWhole);
  const router = await startReloadableRouter(t, { endpoints: [upstream.url] });
  const before = { ...router.router.urls };
  const [first, second] = [listener('prefix', { policy: 'prefix-cost' }), listener('baseline', { policy: 'least-request' })];
  const idle = await openConnection(t, router.url);
  t.same(await router.reload({ endpoints: [upstream.url], listeners: [first, second, listener('more')] }), RELOADED);
  const { more = '', ...others } = router.router.urls;
  t.same(others, before);
  t.equal((await call(t, more, { path: CHAT.path, body: CHAT.body('a', true) })).status, 200);
  t.match(router.lines().findLast(({ msg }) => msg === 'request'), { listener: 'more', policy: 'round-robin' });
  idle.socket.write(requestBytes(models));
  t.equal(readAnswer(await idle.closed).status, 200, 'a connection of before is still served');
});

test('a listener that is removed accepts nothing more, finishes its stream and then closes its connections', async (t) => {
  const upstream = await startRawUpstream(t, begin);
  const router = await startReloadableRouter(t, { endpoints: [upstream.url], shutdown: { settle_ms: 0, deadline_ms: 60_000 } });
  const [stream, idle] = [await openStream(t, router.baselineUrl), await openConnection(t, router.baselineUrl)];
  idle.socket.write(requestBytes({ ...models, headers: ['connection: keep-alive'] }));
  await idle.until((bytes) => bytes.includes('"object":"list"'));
  t.same(await router.reload({ endpoints: [upstream.url], listeners: [listener('prefix', { policy: 'prefix-cost' })], shutdown: { settle_ms: 0, deadline_ms: 60_000 } }), RELOADED);
  await idle.closed;
  t.ok(await refuses(router.baselineUrl));
  end(await upstream.request(0));
  const answer = readAnswer(await stream.closed);
  t.match(answer, { status: 200, whole: true });
  t.equal(answer.body.toString(), streamOf(CHAT, ['x']));
  t.match(router.lines().find(({ msg }) => msg === 'not listening any more, finishing requests'), { listener: 'baseline' });
});

test('a request that came in by a listener that is removed is still tried again elsewhere', async (t) => {
  const upstreams = [await startRawUpstream(t, () => {}), await startRawUpstream(t, answerWhole)];
  const [held, good] = upstreams as [RawUpstream, RawUpstream];
  const router = await startReloadableRouter(t, { endpoints: [held.url] });
  const client = await openConnection(t, router.baselineUrl);
  client.socket.write(requestBytes({ path: CHAT.path, body: CHAT.body('hello', true) }));
  const { socket } = await held.request(0);
  t.same(await router.reload({ endpoints: [held.url, good.url], listeners: [listener('prefix')] }), RELOADED);
  await eventually(async () => (await router.endpoints()).every(({ available }) => available));
  socket.resetAndDestroy();
  t.match(readAnswer(await client.closed), { status: 200, whole: true });
  t.equal(good.requests.length, 1);
});

test('the router stops while a removed listener still has a stream, which is finished', async (t) => {
  const upstream = await startRawUpstream(t, begin);
  const shutdown = { settle_ms: 0, deadline_ms: 60_000 };
  const router = await startReloadableRouter(t, { endpoints: [upstream.url], shutdown });
  const stream = await openStream(t, router.baselineUrl);
  t.same(await router.reload({ endpoints: [upstream.url], listeners: [listener('prefix')], shutdown }), RELOADED);
  const stopped = router.router.stop();
  await eventually(() => refuses(router.url));
  t.equal((await fetch(`${router.adminUrl}/ready`)).status, 503);
  end(await upstream.request(0));
  t.match(readAnswer(await stream.closed), { status: 200, whole: true });
  await stopped;
});

test('the router stops while a removed listener still has a stream: its deadline is the last one', async (t) => {
  const upstream = await startRawUpstream(t, begin);
  const router = await startReloadableRouter(t, { endpoints: [upstream.url], shutdown: { settle_ms: 0, deadline_ms: 60_000 } });
  const stream = await openStream(t, router.baselineUrl);
  t.same(await router.reload({ endpoints: [upstream.url], listeners: [listener('prefix')], shutdown: { settle_ms: 0, deadline_ms: 50 } }), RELOADED);
  await router.router.stop();
  t.equal(readAnswer(await stream.closed).whole, false);
});

test('a listener that moves listens at the new port before the old one closes', async (t) => {
  const upstream = await startRawUpstream(t, begin);
  const port = await freePort();
  const router = await startReloadableRouter(t, { endpoints: [upstream.url], listeners: [listener('only')] });
  const [oldUrl = ''] = Object.values(router.router.urls);
  const stream = await openStream(t, oldUrl);
  t.same(await router.reload({ endpoints: [upstream.url], listeners: [listener('only', { port })] }), RELOADED);
  t.equal(router.router.urls['only'], `http://127.0.0.1:${port}`);
  t.equal((await call(t, router.router.urls['only'] ?? '', models)).status, 200);
  await eventually(() => refuses(oldUrl));
  end(await upstream.request(0));
  t.match(readAnswer(await stream.closed), { status: 200, whole: true });
});

test('reloads that are asked for at the same time come one after the other', async (t) => {
  const upstream = await startRawUpstream(t, answerWhole);
  const port = await freePort();
  const router = await startReloadableRouter(t, { endpoints: [upstream.url], listeners: [listener('a')] });
  router.write({ endpoints: [upstream.url], listeners: [listener('b', { port })] });
  const asked = [router.router.reload(), router.router.reload(), askReload(router.adminUrl)];
  t.match(await Promise.all(asked), [{ result: 'ok' }, { result: 'ok' }, RELOADED]);
  t.equal((await call(t, `http://127.0.0.1:${port}`, models)).status, 200);
});

test('a listener that moves to a port that is taken stays, and nothing else of that file is taken over', async (t) => {
  const upstream = await startRawUpstream(t, answerWhole);
  const other = await startRawUpstream(t, answerWhole);
  const port = await takenPort(t);
  const router = await startReloadableRouter(t, { endpoints: [upstream.url], listeners: [listener('a')] });
  const before = { ...router.router.urls };
  const answer = await router.reload({ endpoints: [other.url], listeners: [listener('new'), listener('a', { port })] });
  t.match(answer, { status: 422, result: 'failed', problems: [/listener 'a' cannot listen: .*EADDRINUSE/] });
  t.same(router.router.urls, before);
  t.match(await router.endpoints(), [{ id: upstream.id, available: true }]);
  t.equal((await call(t, before['a'] ?? '', { path: CHAT.path, body: CHAT.body('a', true) })).status, 200);
  t.equal(upstream.requests.length, 1);
});

test('a listener with another name at the same port is the same one under that name', async (t) => {
  const upstream = await startRawUpstream(t, answerWhole);
  const port = await freePort();
  const router = await startReloadableRouter(t, { endpoints: [upstream.url], listeners: [listener('before', { port })] });
  const url = router.router.urls['before'] ?? '';
  const client = await openConnection(t, url);
  t.same(await router.reload({ endpoints: [upstream.url], listeners: [listener('after', { port })] }), RELOADED);
  client.socket.write(requestBytes({ path: CHAT.path, body: CHAT.body('a', true) }));
  t.equal(readAnswer(await client.closed).status, 200);
  t.match(router.lines().findLast(({ msg }) => msg === 'request'), { listener: 'after' });
});

test('whoever asks the admin listener for the reload that moves it gets the answer', async (t) => {
  const upstream = await startRawUpstream(t, answerWhole);
  const router = await startReloadableRouter(t, { endpoints: [upstream.url] });
  t.same(await router.reload({ endpoints: [upstream.url], admin: { host: 'localhost', port: 0 } }), RELOADED);
  const moved = router.router.urls['admin'] ?? '';
  t.not(moved, router.adminUrl);
  t.equal((await fetch(`${moved}/ready`)).status, 200);
  await eventually(() => refuses(router.adminUrl));
});
