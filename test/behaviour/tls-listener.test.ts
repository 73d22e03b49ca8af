// Clients come in by TLS, and show a certificate where one is asked for.

import { once } from 'node:events';
import { connect } from 'node:net';
import { test, type Test } from 'tap';
import { CLIENT, CA, FIRST, OTHER_CA } from '../support/certificates.ts';
import { call } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, sized, startRawUpstream, STREAM_HEAD } from '../support/raw-upstream.ts';
import { startReloadableRouter, temporaryFolder } from '../support/reloadable-router.ts';
import { CHAT, streamOf } from '../support/surfaces.ts';
import { caFile, callTls, clientHello, filesOf, openTls } from '../support/tls-client.ts';

const MODELS = { method: 'GET', path: '/v1/models' };

async function start(t: Test, more: object = {}) {
  const upstream = await startRawUpstream(t, ({ socket, path }) => void socket.write(path === CHAT.path ? Buffer.concat([Buffer.from(STREAM_HEAD), chunk(streamOf(CHAT, ['one'])), Buffer.from(LAST_CHUNK)]) : sized(200, '{"by":"load"}')));
  const tls = { ...filesOf(temporaryFolder(t), 'router', FIRST), ...more };
  // No deadline ends what holds up a stop.
  const keys = { endpoints: [upstream.url], shutdown: { settle_ms: 0, deadline_ms: 600_000 }, listeners: [{ name: 'prefix', host: '127.0.0.1', port: 0, tls }] };
  return { upstream, keys, ...(await startReloadableRouter(t, keys)) };
}

test('a client that trusts the certificate is served, streams and all', async (t) => {
  const { url } = await start(t);
  t.match(url, /^https:/);
  t.match((await callTls(t, url, { path: CHAT.path, body: CHAT.body('x', true) })).body.toString(), /one.*\[DONE\]/s);
  t.equal((await callTls(t, url, { path: '/tokenize', body: '{}' })).body.toString(), '{"by":"load"}');
  t.equal((await callTls(t, url, MODELS)).status, 200);
});

test('what is not TLS 1.2 or newer is not served, and holds nothing up', async (t) => {
  const { url, router, upstream } = await start(t);
  await t.rejects(openTls(t, url, { ca: OTHER_CA }), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }, 'it is this certificate');
  await t.rejects(openTls(t, url, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }));
  t.equal((await openTls(t, url, { maxVersion: 'TLSv1.2' })).getProtocol(), 'TLSv1.2');
  const plain = await call(t, url.replace('https', 'http'), { path: CHAT.path, body: CHAT.body('x', true) });
  t.equal(plain.status, 0);
  t.same(upstream.requests, []);
  const unused = await openTls(t, url);
  const silent = connect(Number(new URL(url).port), '127.0.0.1');
  await once(silent, 'connect');
  const closed = Promise.all([once(unused.resume(), 'close'), once(silent.resume(), 'close')]);
  await router.stop();
  await closed;
});

test('a client that begins a handshake, or not even that, and says no more is let go after 10 s', async (t) => {
  const { url } = await start(t);
  const port = Number(new URL(url).port);
  const startMs = performance.now();
  const closings = [Buffer.alloc(0), await clientHello('TLSv1.2'), await clientHello('TLSv1.3')].map((bytes) => {
    const socket = connect(port, '127.0.0.1');
    t.teardown(() => socket.destroy());
    socket.write(bytes);
    return once(socket.resume(), 'close');
  });
  await Promise.all(closings);
  const waitedMs = performance.now() - startMs;
  // Node's own limit is 120 s.
  t.ok(waitedMs > 9_000 && waitedMs < 100_000, `${waitedMs} ms`);
});

test('where a certificate is asked for, only who has one of that CA is served', async (t) => {
  const { url, upstream } = await start(t, { client_ca_file: caFile(temporaryFolder(t), CA) });
  t.equal((await callTls(t, url, MODELS, CLIENT)).status, 200);
  const refused = async (options: object): Promise<boolean> => callTls(t, url, { path: CHAT.path, body: CHAT.body('x', true) }, options).then(({ status }) => status === 0, () => true);
  t.ok(await refused({}), 'no certificate');
  const { url: other } = await start(t, { client_ca_file: caFile(temporaryFolder(t), OTHER_CA) });
  t.ok(await callTls(t, other, MODELS, CLIENT).then(({ status }) => status === 0, () => true), 'one of another CA');
  t.same(upstream.requests, []);
});

test('an open port cannot begin or cease to have TLS, and a reload says so', async (t) => {
  const { keys, url, reload } = await start(t);
  const port = Number(new URL(url).port);
  const fixed = { ...keys.listeners[0]!, port };
  t.match(await reload({ ...keys, listeners: [{ ...fixed, name: 'prefix', tls: undefined }] }), { status: 422 }, 'the port is taken');
  t.equal((await callTls(t, url, MODELS)).status, 200);
  t.match(await reload({ ...keys, listeners: [{ name: 'prefix', host: '127.0.0.1', port: 0 }] }), { status: 422, problems: [/'prefix' cannot listen: an open port cannot begin or cease to have tls;/] });
  const asking = { ...keys.listeners[0]!.tls, client_ca_file: caFile(temporaryFolder(t), CA) };
  t.match(await reload({ ...keys, listeners: [{ ...keys.listeners[0]!, tls: asking }] }), { status: 422, problems: [/tls\.client_ca_file/] });
  t.equal((await callTls(t, url, MODELS)).status, 200, 'and nothing has changed');
});
