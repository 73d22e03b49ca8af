// Which headers cross the router, on the surfaces that are read and on those that are not.

import { test } from 'tap';
import { call, header } from '../support/raw-client.ts';
import { headerOf } from '../support/request-reader.ts';
import { sized, startRawUpstream } from '../support/raw-upstream.ts';
import { CHAT } from '../support/surfaces.ts';
import { startTestRouter } from '../support/test-router.ts';

const PATHS = [CHAT.path, '/tokenize'];
const TYPE = 'content-type: application/json';
const body = CHAT.body('hello', false);

for (const path of PATHS) {
  test(`${path}: headers about the client's connection, and those it may not set, stay behind`, async (t) => {
    const upstream = await startRawUpstream(t, ({ socket }) => socket.write(sized(200, '{}')));
    const { url } = await startTestRouter(t, { endpoints: [upstream.url] });
    const given = [
      TYPE,
      'connection: close, X-Only-Here',
      'x-only-here: 1',
      'keep-alive: timeout=5',
      'te: trailers',
      'proxy-authorization: Basic eA==',
      'proxy-connection: close',
      'x-forwarded-for: 1.2.3.4',
      'x-forwarded-host: evil',
      'forwarded: for=1.2.3.4',
      'via: 1.1 somewhere',
      'authorization: Bearer of-the-client',
      'x-api-key: of-the-client',
      'expect: 100-continue',
    ];
    t.equal((await call(t, url, { path, headers: given, body })).status, 200);
    const { headers } = await upstream.request(0);
    const names = headers.map(([name]) => name.toLowerCase());
    for (const line of given.slice(2)) t.notOk(names.includes(line.slice(0, line.indexOf(':'))), line);
    t.notMatch(headers.map(([, value]) => value).join('\n'), 'of-the-client');
    t.equal(headerOf(headers, 'host'), upstream.id);
    t.equal(names.filter((name) => name === 'content-length').length, 1);
  });

  test(`${path}: every other header goes on as it was written`, async (t) => {
    const upstream = await startRawUpstream(t, ({ socket }) => socket.write(sized(200, '{}')));
    const { url } = await startTestRouter(t, { endpoints: [upstream.url] });
    const odd = ['content-type: Application/JSON; charset=utf-8', 'x-custom: a, b', 'x-latin: caf\u00e9', 'user-agent: test/1', 'accept-encoding: gzip, br', 'cookie: a=b'];
    await call(t, url, { path, headers: odd, body });
    const { headers } = await upstream.request(0);
    for (const line of odd) {
      const name = line.slice(0, line.indexOf(':'));
      t.equal(headerOf(headers, name), line.slice(name.length + 2), name);
    }
  });

  test(`${path}: the pool's key is sent instead of the client's`, async (t) => {
    const upstream = await startRawUpstream(t, ({ socket }) => socket.write(sized(200, '{}')));
    const { url } = await startTestRouter(t, { pools: [{ endpoints: [upstream.url], api_key: 'of-the-pool' }] });
    await call(t, url, { path, headers: [TYPE, 'authorization: Bearer of-the-client'], body });
    const { headers } = await upstream.request(0);
    t.same(headers.filter(([name]) => name.toLowerCase() === 'authorization').map(([, value]) => value), ['Bearer of-the-pool']);
  });

  test(`${path}: a request id that is in order is kept and echoed, any other is replaced`, async (t) => {
    const upstream = await startRawUpstream(t, ({ socket }) => socket.write(sized(200, '{}', ['x-request-id: of-the-engine'])));
    const { url } = await startTestRouter(t, { endpoints: [upstream.url] });
    const cases = [['x-request-id: Good.id_1-2', true], ['x-request-id: has space', false], [`x-request-id: ${'a'.repeat(129)}`, false], ['x-other: 1', false]] as const;
    for (const [at, [line, kept]] of cases.entries()) {
      const answer = await call(t, url, { path, headers: [TYPE, line], body });
      const sent = (await upstream.request(at)).headers.filter(([name]) => name.toLowerCase() === 'x-request-id').map(([, value]) => value);
      const echoed = answer.headers.filter(([name]) => name.toLowerCase() === 'x-request-id').map(([, value]) => value);
      t.equal(sent.length, 1);
      t.same(echoed, sent, 'the client hears the id that the engine was told');
      t.equal(sent[0] === line.slice(14), kept, line.slice(0, 40));
      t.match(sent[0], /^[A-Za-z0-9._-]{1,128}$/);
    }
  });

  test(`${path}: of an answer, headers about the endpoint's connection and its server stay behind`, async (t) => {
    const given = [TYPE, 'server: uvicorn', 'connection: keep-alive, x-inner', 'x-inner: 1', 'keep-alive: timeout=5', 'date: Tue, 24 Nov 2026 12:00:00 GMT', 'x-engine: yes', 'set-cookie: a=1', 'set-cookie: b=2', 'processing-ms: 5'];
    const upstream = await startRawUpstream(t, ({ socket }) => socket.write(sized(200, '{}', given)));
    const { url } = await startTestRouter(t, { endpoints: [upstream.url] });
    const answer = await call(t, url, { path, headers: [TYPE], body });
    for (const hidden of ['server', 'x-inner', 'keep-alive']) t.equal(header(answer, hidden), undefined, hidden);
    t.equal(header(answer, 'connection'), 'close', 'its own');
    t.equal(header(answer, 'x-engine'), 'yes');
    t.equal(header(answer, 'processing-ms'), '5');
    t.same(answer.headers.filter(([name]) => name === 'set-cookie').map(([, value]) => value), ['a=1', 'b=2']);
    t.same(answer.headers.filter(([name]) => name.toLowerCase() === 'date').map(([, value]) => value), ['Tue, 24 Nov 2026 12:00:00 GMT']);
  });
}

test('a proxy in a network that the listener trusts passes on whom it forwards for; any other does not', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => socket.write(sized(200, '{}')));
  const listeners = [{ name: 'prefix', host: '127.0.0.1', port: 0, trusted_proxies: ['127.0.0.0/8'] }, { name: 'baseline', host: '127.0.0.1', port: 0, trusted_proxies: ['10.0.0.0/8'] }];
  const { url, baselineUrl } = await startTestRouter(t, { endpoints: [upstream.url], listeners });
  const given = [TYPE, 'x-forwarded-for: 1.2.3.4', 'x-forwarded-proto: https', 'forwarded: for=1.2.3.4', 'x_forwarded_for: 6.6.6.6', '__proto__: a', 'constructor: b'];
  const seen = async (at: number): Promise<(string | undefined)[]> => {
    const { headers } = await upstream.request(at);
    return ['x-forwarded-for', 'x-forwarded-proto', 'forwarded', 'x_forwarded_for', '__proto__', 'constructor'].map((name) => headerOf(headers, name));
  };
  for (const [at, path] of PATHS.entries()) {
    await call(t, url, { path, headers: given, body });
    t.same(await seen(2 * at), ['1.2.3.4, 127.0.0.1', 'https', 'for=1.2.3.4', undefined, undefined, 'b'], path);
    await call(t, baselineUrl, { path, headers: given, body });
    t.same(await seen(2 * at + 1), [undefined, undefined, undefined, undefined, undefined, 'b'], path);
  }
});

test('an endpoint without a key gets no authorization at all', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => socket.write(sized(200, '{}')));
  const { url } = await startTestRouter(t, { endpoints: [upstream.url] });
  for (const [at, path] of PATHS.entries()) {
    await call(t, url, { path, headers: [TYPE, 'authorization: Bearer of-the-client'], body });
    t.equal(headerOf((await upstream.request(at)).headers, 'authorization'), undefined, path);
  }
});

test('a redirect is relayed and not followed', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => socket.write(sized(307, '', ['location: /elsewhere'])));
  const { url } = await startTestRouter(t, { endpoints: [upstream.url] });
  for (const path of PATHS) {
    const answer = await call(t, url, { path, headers: [TYPE], body });
    t.match([answer.status, header(answer, 'location')], [307, '/elsewhere']);
  }
  t.same(upstream.requests.map(({ path }) => path), PATHS);
});
