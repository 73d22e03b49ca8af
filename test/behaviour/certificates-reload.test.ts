// Certificates are renewed in their files while the router runs: nothing is lost, and nothing is taken over that cannot be used.

import { renameSync, writeFileSync } from 'node:fs';
import { test, type Test } from 'tap';
import { CA, CLIENT, FIRST, NAMED, OTHER_CA, SECOND } from '../support/certificates.ts';
import { call, readAnswer, requestBytes } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, sized, startRawUpstream, STREAM_HEAD } from '../support/raw-upstream.ts';
import { askReload, RELOADED, startReloadableRouter, temporaryFolder } from '../support/reloadable-router.ts';
import { CHAT, streamOf } from '../support/surfaces.ts';
import { eventually } from '../support/test-router.ts';
import { bytesOf, caFile, callTls, filesOf, openTls } from '../support/tls-client.ts';
import { startTlsFront } from '../support/tls-front.ts';

/** Common name of what a new connection is shown. */
async function shownBy(t: Test, url: string): Promise<unknown> {
  const socket = await openTls(t, url);
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return CN;
}

test('a listener shows the new certificate to new connections as soon as its files have changed, and open streams go on', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => void socket.write(STREAM_HEAD + chunk(CHAT.opening + CHAT.delta('one')).toString()));
  const folder = temporaryFolder(t);
  const tls = filesOf(folder, 'router', FIRST);
  const { url, lines } = await startReloadableRouter(t, { endpoints: [upstream.url], listeners: [{ name: 'prefix', host: '127.0.0.1', port: 0, tls }] });
  t.equal(await shownBy(t, url), 'first');
  const client = await openTls(t, url);
  client.write(requestBytes({ path: CHAT.path, body: CHAT.body('hello', true) }));
  const { socket } = await upstream.request(0);

  const renewed = filesOf(temporaryFolder(t), 'router', SECOND);
  renameSync(renewed.cert_file, tls.cert_file);
  renameSync(renewed.key_file, tls.key_file);
  await eventually(async () => (await shownBy(t, url)) === 'second');
  t.match(lines().filter(({ msg }) => msg === 'configuration reloaded').at(-1), { trigger: 'file' });

  socket.write(Buffer.concat([chunk(streamOf(CHAT, ['two']).slice(CHAT.opening.length)), Buffer.from(LAST_CHUNK)]));
  t.match(readAnswer(await bytesOf(client)).body.toString(), /one.*two.*\[DONE\]/s);
});

test('files that cannot be used change nothing, and the reload says where they are named', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => void socket.write(sized(200, '{}')));
  const folder = temporaryFolder(t);
  const tls = filesOf(folder, 'router', FIRST);
  const started = await startReloadableRouter(t, { endpoints: [upstream.url], listeners: [{ name: 'prefix', host: '127.0.0.1', port: 0, tls }] });
  const refusedBecause = async (key: string, why: RegExp): Promise<void> => {
    const { status, problems } = await askReload(started.adminUrl);
    t.equal(status, 422);
    t.equal(problems.length, 1);
    t.match(problems[0], new RegExp(String.raw`^${started.file}:1:\d+: listeners\[0\]\.tls\.${key}: is .*${why.source}`));
    t.notMatch(problems[0], /BEGIN|canary/);
    t.equal(await shownBy(t, started.url), 'first');
  };
  writeFileSync(tls.key_file, SECOND.key);
  await refusedBecause('key_file', /the key of another certificate, wanted the private key of cert_file/);
  writeFileSync(tls.key_file, 'canary');
  await refusedBecause('key_file', /wanted a PEM file with a private key/);
  filesOf(folder, 'router', { cert: `${FIRST.cert}-----BEGIN CERTIFICATE-----\ncanary\n-----END CERTIFICATE-----\n`, key: FIRST.key });
  await refusedBecause('cert_file', /wanted a PEM file with a certificate/);
  renameSync(tls.cert_file, `${tls.cert_file}.away`);
  await refusedBecause('cert_file', /which is unreadable \(ENOENT\), wanted a readable file/);
  filesOf(folder, 'router', SECOND);
  t.same(await askReload(started.adminUrl), RELOADED);
  t.equal(await shownBy(t, started.url), 'second');
});

test('another CA for clients holds for new connections, resumed ones included', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const folder = temporaryFolder(t);
  const tls = { ...filesOf(folder, 'router', FIRST), client_ca_file: caFile(folder, CA) };
  const { url, adminUrl } = await startReloadableRouter(t, { endpoints: [upstream.url], listeners: [{ name: 'prefix', host: '127.0.0.1', port: 0, tls }] });
  const first = await openTls(t, url, CLIENT);
  const session = new Promise<Buffer>((resolve) => first.once('session', resolve));
  first.write(requestBytes({ method: 'GET', path: '/v1/models' }));
  t.equal(readAnswer(await bytesOf(first)).status, 200);
  caFile(folder, OTHER_CA);
  t.same(await askReload(adminUrl), RELOADED);
  for (const options of [CLIENT, { ...CLIENT, session: await session }]) {
    t.ok(await callTls(t, url, { method: 'GET', path: '/v1/models' }, options).then(({ status }) => status === 0, () => true));
  }
});

test('the certificate that the router shows to endpoints is renewed likewise', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => void socket.write(sized(200, '{}')));
  const front = await startTlsFront(t, upstream, { ...FIRST, ca: CA, requestCert: true, rejectUnauthorized: true });
  const folder = temporaryFolder(t);
  const tls = { ca_file: caFile(folder, CA), ...filesOf(folder, 'client', CLIENT) };
  const { url, adminUrl } = await startReloadableRouter(t, { pools: [{ endpoints: [front.url], tls, probe: { interval_ms: 20 } }] });
  t.same([...front.shown], ['client']);
  filesOf(folder, 'client', NAMED);
  t.same(await askReload(adminUrl), RELOADED);
  await eventually(() => front.shown.has('named'));
  t.equal((await call(t, url, { path: '/tokenize', body: '{}' })).status, 200);
});
