// Clients show a key, where keys are configured: who shows none gets nothing.

import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { call, header, openConnection, readAnswer, requestBytes } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, sized, startRawUpstream, STREAM_HEAD } from '../support/raw-upstream.ts';
import { RELOADED, startReloadableRouter, temporaryFolder } from '../support/reloadable-router.ts';
import { CHAT, streamOf, SURFACES } from '../support/surfaces.ts';
import { eventually, startTestRouter } from '../support/test-router.ts';

const KEY_A = 'sk-canary-of-a';
const KEY_B = 'sk-canary-of-b';
const CLIENTS = [
  { name: 'a', key: KEY_A },
  { name: 'b', key_sha256: createHash('sha256').update(KEY_B).digest('hex'), tenant: 'both' },
];
const TYPE = 'content-type: application/json';
const bearer = (key: string): string => `authorization: Bearer ${key}`;
const OTHERS = [['POST', '/tokenize'], ['POST', '/v1/embeddings'], ['POST', '/v1/messages/count_tokens'], ['GET', '/v1/models'], ['GET', '/v1/responses/r1'], ['POST', '/v1/responses/r1/cancel'], ['GET', '/v1/realtime'], ['POST', '/health'], ['GET', '/v1/chat/completions']] as const;

test('without a key that is known every path is a 401 in its API\'s shape, and nothing reaches an endpoint', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => socket.write(sized(200, '{}')));
  const { url, metric } = await startTestRouter(t, { endpoints: [upstream.url], clients: CLIENTS });
  const paths = [...SURFACES.map(({ path }) => ['POST', path] as const), ...OTHERS];
  const bodies = new Set<string>();
  for (const [method, path] of paths) {
    for (const headers of [[], [bearer('wrong')], ['x-api-key: wrong'], ['authorization: Basic eDp5']]) {
      const answer = await call(t, url, { method, path, headers: [TYPE, ...headers], body: method === 'POST' ? CHAT.body('x', false) : '' });
      t.equal(answer.status, 401, `${method} ${path}`);
      t.equal(header(answer, 'www-authenticate'), 'Bearer');
      bodies.add(`${path.startsWith('/v1/messages')} ${answer.body.toString()}`);
    }
  }
  t.strictSame([...bodies].toSorted(), [
    'false {"error":{"message":"There is no such API key.","type":"authentication_error","param":null,"code":"invalid_api_key"}}',
    'true {"type":"error","error":{"type":"authentication_error","message":"There is no such API key."}}',
  ], 'one body for all of an API');
  t.same(upstream.requests, []);
  t.equal((await call(t, url, { method: 'GET', path: '/health' })).status, 200, 'whether it is well, anybody may know');
  t.equal((await call(t, url, { method: 'HEAD', path: '/health' })).status, 200);
  t.equal((await call(t, url, { method: 'HEAD', path: '/v1/models' })).status, 401);
  t.equal((await call(t, url, { method: 'GET', path: '/metrics' })).status, 404, 'what does not exist does not for anybody');
  t.equal(await metric('warmroute_requests_total', { code: '401' }), 4 * (SURFACES.length + 4), 'they are counted');
});

test('a body behind a wrong key is not waited for, and ends the connection', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const { url } = await startTestRouter(t, { endpoints: [upstream.url], clients: CLIENTS });
  for (const framing of ['content-length: 1000000', 'transfer-encoding: chunked']) {
    const connection = await openConnection(t, url);
    connection.socket.write(requestBytes({ path: CHAT.path, headers: ['connection: keep-alive', framing] }));
    const answer = readAnswer(await connection.closed);
    t.equal(answer.status, 401);
    t.equal(header(answer, 'connection'), 'close');
  }
});

test('with a key every surface is served, and neither the endpoint nor the log gets to see it', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => socket.write(sized(200, '{}')));
  const { url, lines, adminUrl } = await startTestRouter(t, { endpoints: [upstream.url], clients: CLIENTS, log: { level: 'trace' } });
  for (const [path, body] of [...SURFACES.map((surface) => [surface.path, surface.body('x', false)] as const), ['/tokenize', '{}'] as const]) {
    t.equal((await call(t, url, { path, headers: [TYPE, bearer(KEY_A)], body })).status, 200, path);
    t.equal((await call(t, url, { path, headers: [TYPE, `x-api-key: ${KEY_B}`], body })).status, 200, path);
  }
  t.equal((await call(t, url, { method: 'GET', path: '/v1/models', headers: [bearer(KEY_A)] })).status, 200);
  await eventually(() => lines().filter(({ msg }) => msg === 'request').length === 10);
  t.same(lines().filter(({ msg }) => msg === 'request').map(({ client }) => client), ['a', 'b', 'a', 'b', 'a', 'b', 'a', 'b', 'a', 'b']);
  const seen = JSON.stringify([upstream.requests.map(({ headers }) => headers), lines(), await (await fetch(`${adminUrl}/metrics`)).text(), await (await fetch(`${adminUrl}/config`)).text()]);
  t.notMatch(seen, 'canary');
});

test('a page of an origin that is named may ask without a key whether it may ask, and can read that its key is wrong', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const listeners = [{ name: 'prefix', host: '127.0.0.1', port: 0, cors_origins: ['https://page.example'] }];
  const { url } = await startTestRouter(t, { endpoints: [upstream.url], clients: CLIENTS, listeners });
  const asked = await call(t, url, { method: 'OPTIONS', path: CHAT.path, headers: ['origin: https://page.example', 'access-control-request-method: POST', 'access-control-request-headers: authorization'] });
  t.equal(asked.status, 204);
  const refused = await call(t, url, { path: CHAT.path, headers: [TYPE, 'origin: https://page.example', bearer('wrong')], body: CHAT.body('x', false) });
  t.equal(refused.status, 401);
  t.equal(header(refused, 'access-control-allow-origin'), 'https://page.example');
});

test('keys change by a reload, and streams of a key that is gone go on', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => void socket.write(STREAM_HEAD + chunk(CHAT.opening + CHAT.delta('one')).toString()));
  const { url, reload } = await startReloadableRouter(t, { endpoints: [upstream.url], clients: CLIENTS });
  const client = await openConnection(t, url);
  client.socket.write(requestBytes({ path: CHAT.path, headers: [TYPE, bearer(KEY_A)], body: CHAT.body('hello', true) }));
  await client.until((bytes) => bytes.includes('one'));
  t.same(await reload({ endpoints: [upstream.url], clients: [{ name: 'c', key: 'sk-of-c' }] }), RELOADED);
  const models = (key: string) => call(t, url, { method: 'GET', path: '/v1/models', headers: [bearer(key)] });
  t.equal((await models(KEY_A)).status, 401);
  t.equal((await models('sk-of-c')).status, 200);
  (await upstream.request(0)).socket.write(Buffer.concat([chunk(streamOf(CHAT, ['two']).slice(CHAT.opening.length)), Buffer.from(LAST_CHUNK)]));
  t.match(readAnswer(await client.closed).body.toString(), /one.*two.*\[DONE\]/s);
  t.same(await reload({ endpoints: [upstream.url] }), RELOADED);
  t.equal((await models('whatever')).status, 200, 'without keys everybody may');
});

test('a key comes from a file, and another one is taken from there', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const folder = temporaryFolder(t);
  const secret = join(folder, 'secret');
  writeFileSync(secret, 'sk-first\n');
  const { url } = await startReloadableRouter(t, { endpoints: [upstream.url], clients: [{ name: 'a', key: `\${file:${secret}}` }] }, join(folder, 'warmroute.yaml'));
  const status = async (key: string): Promise<number> => (await call(t, url, { method: 'GET', path: '/v1/models', headers: [bearer(key)] })).status;
  t.equal(await status('sk-first'), 200);
  writeFileSync(secret, 'sk-second\n');
  await eventually(async () => (await status('sk-second')) === 200);
  t.equal(await status('sk-first'), 401);
});
