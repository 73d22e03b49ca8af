// http-get.test.ts: every way in which a small request can end, on real sockets.

import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { type Test, test } from 'tap';
import { buildConnector } from 'undici';
import { createHttpGet, type GetRequest } from '../../../src/pool/http-get.ts';

const connectNow = buildConnector({});

async function listen(t: Test, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function setUp(t: Test, answer: RequestListener) {
  const { get, close } = createHttpGet();
  t.teardown(close);
  const origin = await listen(t, createServer(answer));
  return {
    origin,
    get: (path: string, timeoutMs = 5000, apiKey?: string, connection: GetRequest['connection'] = 'new') => get({ origin, path, apiKey, connection, timeoutMs }),
  };
}

test('an answer comes with status and body, whatever the status', async (t) => {
  const { get } = await setUp(t, (request, response) => void response.writeHead(request.url === '/health' ? 200 : 503).end(request.url));
  t.same(await get('/health'), { kind: 'answer', status: 200, body: '/health' });
  t.same(await get('/x'), { kind: 'answer', status: 503, body: '/x' });
});

test('the key goes as a bearer token, and no header without one', async (t) => {
  const { get } = await setUp(t, (request, response) => void response.end(request.headers.authorization ?? 'none'));
  t.match(await get('/', 5000, 'secret'), { body: 'Bearer secret' });
  t.match(await get('/'), { body: 'none' });
});

test('each request has a connection of its own, or one that is kept', async (t) => {
  const ports = new Set<number | undefined>();
  const { get } = await setUp(t, (request, response) => {
    ports.add(request.socket.remotePort);
    response.end();
  });
  for (let i = 0; i < 3; i += 1) await get('/');
  t.equal(ports.size, 3);
  for (let i = 0; i < 3; i += 1) {
    await get('/', 5000, undefined, 'kept');
    // A connection is free again a moment after its answer is here.
    await setImmediate();
  }
  t.equal(ports.size, 4);
  await get('/');
  t.equal(ports.size, 5, 'a new one is new beside one that is kept');
});

test('a kept connection that the server closes costs one failure at most', async (t) => {
  let answered = 0;
  const { get } = await setUp(t, (request, response) => {
    if (answered++ === 1) request.socket.destroy();
    else response.end('fine');
  });
  const kept = () => get('/', 5000, undefined, 'kept');
  t.match(await kept(), { kind: 'answer' });
  t.match(await kept(), { kind: 'failed' });
  t.match(await kept(), { kind: 'answer', body: 'fine' });
});

test('a redirect is not followed', async (t) => {
  const { get } = await setUp(t, (_, response) => void response.writeHead(302, { location: '/elsewhere' }).end());
  t.match(await get('/'), { kind: 'answer', status: 302 });
});

test('nothing listening is refused, and that is told from other failures', async (t) => {
  const { get, close } = createHttpGet();
  t.teardown(close);
  const server = createTcpServer();
  const origin = await listen(t, server);
  server.close();
  await once(server, 'close');
  t.same(await get({ origin, path: '/', apiKey: undefined, connection: 'new', timeoutMs: 5000 }), { kind: 'refused' });
});

test('no answer in time is a failure, before the headers and in the middle of the body', async (t) => {
  const { get } = await setUp(t, (request, response) => {
    if (request.url === '/half') response.writeHead(200, { 'content-length': 10 }).write('half');
  });
  for (const path of ['/silent', '/half']) t.same(await get(path, 50), { kind: 'failed', why: 'no answer within 50 ms' }, path);
});

test('no connection in time is a failure, and one that comes later sends nothing', async (t) => {
  let open = (): void => {};
  const { get, close } = createHttpGet((options, callback) => {
    open = () => connectNow(options, callback);
  });
  t.teardown(close);
  const server = createTcpServer();
  const origin = await listen(t, server);
  t.same(await get({ origin, path: '/', apiKey: undefined, connection: 'new', timeoutMs: 50 }), { kind: 'failed', why: 'no answer within 50 ms' });
  const connection = once(server, 'connection') as Promise<[Socket]>;
  open();
  const [socket] = await connection;
  let bytes = 0;
  socket.on('data', (data: Buffer) => (bytes += data.length)).on('error', () => {});
  await once(socket, 'close');
  t.equal(bytes, 0);
});

test('a connection that breaks is a failure', async (t) => {
  const { get } = await setUp(t, (request) => void request.socket.destroy());
  t.same(await get('/'), { kind: 'failed', why: 'UND_ERR_SOCKET' });
});

test('a body without end is cut off', async (t) => {
  const { get } = await setUp(t, (_, response) => {
    const more = (): void => {
      if (!response.destroyed) response.write('x'.repeat(65_536), more);
    };
    more();
  });
  t.same(await get('/'), { kind: 'failed', why: 'UND_ERR_RES_EXCEEDED_MAX_SIZE' });
});

test('closing ends what is under way', async (t) => {
  const { get, close } = createHttpGet();
  const server = createServer();
  const origin = await listen(t, server);
  const result = get({ origin, path: '/', apiKey: undefined, connection: 'new', timeoutMs: 60_000 });
  await once(server, 'request');
  await close();
  t.match(await result, { kind: 'failed' });
  t.match(await get({ origin, path: '/', apiKey: undefined, connection: 'new', timeoutMs: 60_000 }), { kind: 'failed' });
});
