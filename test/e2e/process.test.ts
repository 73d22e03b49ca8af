// The router as a process: it leaves without cutting anyone off, unless it is told twice, and does not start on a wrong file.

import { writeFileSync } from 'node:fs';
import { test, type Test } from 'tap';
import { call, header, openConnection, readAnswer, requestBytes, type Connection } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, sized, startRawUpstream, STREAM_HEAD, type RawUpstream } from '../support/raw-upstream.ts';
import { spawnRouter, type RouterProcess } from '../support/router-process.ts';
import { CHAT, streamOf } from '../support/surfaces.ts';
import { eventually } from '../support/test-router.ts';

interface Running {
  readonly router: RouterProcess;
  readonly url: string;
  readonly adminUrl: string;
  readonly upstream: RawUpstream;
  /** A stream that has begun. */
  readonly client: Connection;
}

async function start(t: Test, shutdown: object): Promise<Running> {
  const upstream = await startRawUpstream(t, ({ path, socket }) => socket.write(path === CHAT.path ? STREAM_HEAD + chunk(CHAT.opening).toString() : sized(200, '{}')));
  const router = spawnRouter(t, { listeners: [{ name: 'clients', host: '127.0.0.1', port: 0 }], admin: { port: 0 }, pools: [{ endpoints: [upstream.url] }], shutdown });
  const urls = await router.urls;
  const [url = '', adminUrl = ''] = [urls.get('clients'), urls.get('admin')];
  await eventually(async () => (await fetch(`${adminUrl}/ready`)).status === 200, 20_000);
  const client = await openConnection(t, url);
  client.socket.write(requestBytes({ path: CHAT.path, headers: ['connection: keep-alive'], body: CHAT.body('hello', true) }));
  await client.until((bytes) => bytes.includes(CHAT.opening));
  return { router, url, adminUrl, upstream, client };
}

test('at SIGTERM it is not ready at once, serves while it settles, lets streams finish and exits with 0', async (t) => {
  const { router, url, adminUrl, upstream, client } = await start(t, { settle_ms: 1500 });
  const idle = await openConnection(t, url);
  idle.socket.write(requestBytes({ method: 'GET', path: '/v1/models', headers: ['connection: keep-alive'] }));
  await idle.until((bytes) => bytes.includes('"object":"list"'));
  router.child.kill('SIGTERM');
  const signalledMs = performance.now();
  await eventually(async () => (await fetch(`${adminUrl}/ready`)).status === 503, 1000);
  t.equal((await call(t, url, { method: 'GET', path: '/health' })).status, 503);
  const answer = await call(t, url, { path: '/tokenize', headers: ['connection: keep-alive'], body: '{}' });
  t.equal(answer.status, 200, 'new requests are still served');
  t.equal(header(answer, 'connection'), 'close', 'and their clients asked to connect anew');
  t.ok(performance.now() - signalledMs < 1500, 'all of this while it settles');

  await idle.closed;
  t.pass('an idle connection is closed then');
  await eventually(() => fetch(url).then(() => false, () => true), 3000);
  const { socket } = await upstream.request(0);
  socket.write(chunk(CHAT.delta('x') + CHAT.terminal).toString() + LAST_CHUNK);
  const finished = readAnswer(await client.closed);
  t.match(finished, { status: 200, whole: true });
  t.equal(finished.body.toString(), streamOf(CHAT, ['x']));
  t.match(await router.ended, { code: 0, stderr: '' });
});

test('a second SIGTERM cuts off what still runs', async (t) => {
  const { router, adminUrl, upstream, client } = await start(t, { settle_ms: 60_000 });
  router.child.kill('SIGTERM');
  await eventually(async () => (await fetch(`${adminUrl}/ready`)).status === 503);
  router.child.kill('SIGTERM');
  t.equal(readAnswer(await client.closed).whole, false);
  await (await upstream.request(0)).closed;
  t.match(await router.ended, { code: 0 });
});

test('streams that do not end by deadline_ms are cut off', async (t) => {
  const { router, upstream, client } = await start(t, { settle_ms: 0, deadline_ms: 200 });
  router.child.kill('SIGTERM');
  t.equal(readAnswer(await client.closed).whole, false);
  await (await upstream.request(0)).closed;
  t.match(await router.ended, { code: 0 });
});

test('at SIGHUP it reads its file again, and the stream goes on; a wrong file ends nothing', async (t) => {
  const { router, adminUrl, upstream, client } = await start(t, { settle_ms: 0 });
  const reloads = async (result: string): Promise<number> => {
    const found = new RegExp(`^warmroute_config_reloads_total{result="${result}"} (\\d+)$`, 'm').exec(await (await fetch(`${adminUrl}/metrics`)).text());
    return Number(found?.[1]);
  };
  t.same([await reloads('ok'), await reloads('failed')], [0, 0]);
  router.child.kill('SIGHUP');
  await eventually(async () => (await reloads('ok')) === 1);
  writeFileSync(router.file, 'pools: none');
  router.child.kill('SIGHUP');
  await eventually(async () => (await reloads('failed')) > 0);
  const { socket } = await upstream.request(0);
  socket.write(chunk(CHAT.delta('x') + CHAT.terminal).toString() + LAST_CHUNK);
  await client.until((bytes) => bytes.includes(LAST_CHUNK));
  t.equal(readAnswer(client.received()).body.toString(), streamOf(CHAT, ['x']));
  router.child.kill('SIGTERM');
  t.match(await router.ended, { code: 0, stderr: '' });
});

test('a wrong file is exit code 2 with everything that is wrong in it, each by line and column', async (t) => {
  const file = ['listeners:', '  - { name: a, port: 99999 }', 'pools:', '  - endpoints: [ftp://x]', '    in_flight_max: many', 'unknown: 1', ''].join('\n');
  const { code, stderr } = await spawnRouter(t, file).ended;
  t.equal(code, 2);
  for (const wanted of [/:2:\d+/, /port/, /:4:\d+/, /endpoints/, /:5:\d+/, /in_flight_max/, /:6:\d+/, /unknown/]) t.match(stderr, wanted);
});

test('a port that is taken is exit code 1 and one sentence', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const { code, stderr } = await spawnRouter(t, {
    listeners: [{ name: 'clients', host: '127.0.0.1', port: Number(new URL(upstream.url).port) }],
    admin: { port: 0 },
    pools: [{ endpoints: [upstream.url] }],
  }).ended;
  t.equal(code, 1);
  t.match(stderr, /^warmroute cannot start: .*EADDRINUSE.*\n$/);
});
