// Requests in flight of one client, and of one tenant, are limited; each is given back once, whatever becomes of it.

import { test, type Test } from 'tap';
import { call, header, openConnection, readAnswer, requestBytes, type Connection } from '../support/raw-client.ts';
import { sized, startRawUpstream, type RawUpstream } from '../support/raw-upstream.ts';
import { RELOADED, startReloadableRouter } from '../support/reloadable-router.ts';
import { CHAT, SURFACES } from '../support/surfaces.ts';
import { eventually, startTestRouter } from '../support/test-router.ts';

const TYPE = 'content-type: application/json';
const CLIENTS = [{ name: 'a', key: 'a', in_flight_max: 2 }, { name: 'b', key: 'b' }, { name: 'c', key: 'c', tenant: 'b' }];
const PATHS = [...SURFACES.map(({ path, name, body }) => ({ path, name, body: body('x', false) })), { path: '/tokenize', name: 'by-load', body: '{}' }];

const silent = (t: Test): Promise<RawUpstream> => startRawUpstream(t, () => {});

async function send(t: Test, url: string, path: string, body: string, key = 'a'): Promise<Connection> {
  const connection = await openConnection(t, url);
  connection.socket.write(requestBytes({ path, headers: [TYPE, `x-api-key: ${key}`], body }));
  return connection;
}

const statusOf = async (t: Test, url: string, key: string): Promise<number> => (await call(t, url, { method: 'GET', path: '/v1/models', headers: [`x-api-key: ${key}`] })).status;

for (const { path, name, body } of PATHS) {
  test(`${name}: over the limit of its client a request is a 429 that says when to come back, and only there`, async (t) => {
    const upstream = await silent(t);
    const { url } = await startTestRouter(t, { endpoints: [upstream.url], clients: CLIENTS });
    const held = [await send(t, url, path, body), await send(t, url, path, body)];
    await upstream.request(1);
    const answer = await call(t, url, { path, headers: [TYPE, 'x-api-key: a'], body });
    t.equal(answer.status, 429);
    t.equal(header(answer, 'retry-after'), '1');
    t.equal(header(answer, 'x-should-retry'), 'true');
    t.match(JSON.parse(answer.body.toString()), { error: { type: 'rate_limit_error', message: /API key.*\(2\)/ } });
    t.equal(await statusOf(t, url, 'a'), 429);
    t.equal(await statusOf(t, url, 'b'), 200);
    (await upstream.request(0)).socket.write(sized(200, '{}'));
    t.equal(readAnswer(await held[0]!.closed).status, 200);
    await eventually(async () => (await statusOf(t, url, 'a')) === 200);
    t.equal(upstream.requests.length, 2);
  });

  test(`${name}: however a request ends, it counts no longer`, async (t) => {
    const upstream = await silent(t);
    const clients = [{ name: 'a', key: 'a', in_flight_max: 1 }];
    const { url, endpoints } = await startTestRouter(t, { pools: [{ endpoints: [upstream.url], slow_start_ms: 0, ejection: { errors_in_row: 0, error_ratio: 0 } }], clients, retry: { attempts_max: 1 } });
    const ends: readonly ((client: Connection, at: number) => Promise<unknown>)[] = [
      async (_, at) => (await upstream.request(at)).socket.write(sized(200, '{}')),
      async (_, at) => (await upstream.request(at)).socket.write(sized(500, '{}')),
      async (_, at) => (await upstream.request(at)).socket.resetAndDestroy(),
      async (_, at) => (await upstream.request(at)).socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{', () => upstream.requests[at]!.socket.destroy()),
      async (client, at) => (await upstream.request(at), client.socket.resetAndDestroy()),
      async (client, at) => (await upstream.request(at), client.socket.end()),
    ];
    for (const [at, end] of ends.entries()) {
      const client = await send(t, url, path, body);
      await upstream.request(at);
      t.equal(await statusOf(t, url, 'a'), 429, `it is in flight before end ${at}`);
      await end(client, at);
      if (at < 4) await client.closed;
      else client.socket.destroy();
      await eventually(async () => (await statusOf(t, url, 'a')) === 200);
    }
    await eventually(async () => (await endpoints()).every(({ in_flight }) => in_flight === 0));
  });
}

test('a request whose body does not come counts until its client is gone', async (t) => {
  const upstream = await silent(t);
  const { url } = await startTestRouter(t, { endpoints: [upstream.url], clients: [{ name: 'a', key: 'a', in_flight_max: 1 }] });
  const client = await openConnection(t, url);
  client.socket.write(requestBytes({ path: CHAT.path, headers: [TYPE, 'x-api-key: a', 'content-length: 100'], body: '{' }));
  await eventually(async () => (await statusOf(t, url, 'a')) === 429);
  client.socket.destroy();
  await eventually(async () => (await statusOf(t, url, 'a')) === 200);
});

test('requests sent one behind the other on a connection that then breaks count no longer', async (t) => {
  const upstream = await silent(t);
  const { url } = await startTestRouter(t, { endpoints: [upstream.url], clients: CLIENTS });
  const client = await openConnection(t, url);
  const one = requestBytes({ path: '/v1/chat/completions', headers: [TYPE, 'x-api-key: a', 'connection: keep-alive'], body: CHAT.body('x', false) });
  client.socket.write(Buffer.concat([one, one]));
  await upstream.request(0);
  await eventually(async () => (await statusOf(t, url, 'a')) === 429);
  client.socket.resetAndDestroy();
  await eventually(async () => (await statusOf(t, url, 'a')) === 200);
  await send(t, url, '/tokenize', '{}');
  await upstream.request(1);
  await eventually(async () => (await statusOf(t, url, 'a')) === 200);
});

test('an answered request counts no longer while its connection is kept', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => void socket.write(sized(200, '{}')));
  const { url } = await startTestRouter(t, { endpoints: [upstream.url], clients: [{ name: 'a', key: 'a', in_flight_max: 1 }] });
  const client = await openConnection(t, url);
  for (const [turn, { path, body }] of PATHS.entries()) {
    client.socket.write(requestBytes({ path, headers: [TYPE, 'x-api-key: a', 'connection: keep-alive'], body }));
    await client.until((bytes) => bytes.toString().split('HTTP/1.1 200').length === turn + 2);
    await eventually(async () => (await statusOf(t, url, 'a')) === 200);
  }
});

test('clients of one tenant share its part of the router', async (t) => {
  const upstream = await silent(t);
  const { url, reload, lines } = await startReloadableRouter(t, { endpoints: [upstream.url], clients: CLIENTS, admission: { in_flight_max: 7, tenant_in_flight_ratio: 0.3 } });
  await send(t, url, CHAT.path, CHAT.body('x', false), 'b');
  await send(t, url, '/tokenize', '{}', 'c');
  await upstream.request(1);
  for (const key of ['b', 'c']) {
    const answer = await call(t, url, { path: CHAT.path, headers: [TYPE, `x-api-key: ${key}`], body: CHAT.body('x', false) });
    t.equal(answer.status, 429);
    t.match(JSON.parse(answer.body.toString()), { error: { code: 'tenant_limit', message: /tenant.*\(2\)/ } });
  }
  t.match(lines().filter(({ msg, status }) => msg === 'request' && status === 429), [{ client: 'b', outcome: 'shed', reason: 'tenant_limit' }, { client: 'c' }]);
  t.equal(await statusOf(t, url, 'a'), 200, 'others have theirs');
  t.same(await reload({ endpoints: [upstream.url], clients: CLIENTS, admission: { in_flight_max: 7 } }), RELOADED);
  t.equal(await statusOf(t, url, 'b'), 200, 'without a ratio there is none');
});
