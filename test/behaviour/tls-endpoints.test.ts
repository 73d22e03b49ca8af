// Endpoints behind TLS: requests, probes and load samples alike prove who they speak to, and who they are.

import { join } from 'node:path';
import { test, type Test } from 'tap';
import { CA, CLIENT, FIRST, NAMED, OTHER_CA } from '../support/certificates.ts';
import { call } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, sized, startRawUpstream, STREAM_HEAD, type RawUpstream } from '../support/raw-upstream.ts';
import { RELOADED, startReloadableRouter, temporaryFolder } from '../support/reloadable-router.ts';
import { CHAT, streamOf } from '../support/surfaces.ts';
import { eventually } from '../support/test-router.ts';
import { caFile, filesOf } from '../support/tls-client.ts';
import { startTlsFront } from '../support/tls-front.ts';

const upstreamOf = (t: Test): Promise<RawUpstream> =>
  startRawUpstream(t, ({ socket, path }) => void socket.write(path === CHAT.path ? Buffer.concat([Buffer.from(STREAM_HEAD), chunk(streamOf(CHAT, ['one'])), Buffer.from(LAST_CHUNK)]) : sized(200, '{"by":"load"}')));

function keysFor(url: string, tls: object | undefined): { pools: object[] } {
  return { pools: [{ endpoints: [url], slow_start_ms: 0, probe: { interval_ms: 20 }, scrape: { interval_ms: 20 }, ...(tls === undefined ? {} : { tls }) }] };
}

async function serves(t: Test, url: string): Promise<void> {
  t.match((await call(t, url, { path: CHAT.path, body: CHAT.body('x', true) })).body.toString(), /one.*\[DONE\]/s);
  t.equal((await call(t, url, { path: '/tokenize', body: '{}' })).body.toString(), '{"by":"load"}');
}

test('an endpoint is trusted when the configured CA vouches for it, under its name', async (t) => {
  const front = await startTlsFront(t, await upstreamOf(t), FIRST);
  const folder = temporaryFolder(t);
  const { url } = await startReloadableRouter(t, keysFor(front.url, { ca_file: caFile(folder, CA) }));
  await serves(t, url);
  t.same([...front.names], ['localhost']);
});

for (const [what, certificate, tls] of [
  ['without a CA', FIRST, undefined],
  ['under another CA', FIRST, { ca: OTHER_CA }],
  ['with the certificate of another name', NAMED, { ca: CA }],
  ['with a certificate of another name than the one that is asked for', FIRST, { ca: CA, server_name: 'vllm.internal' }],
] as const) {
  test(`an endpoint ${what} gets nothing, not even the key`, async (t) => {
    const upstream = await upstreamOf(t);
    const front = await startTlsFront(t, upstream, certificate);
    const settings = tls === undefined ? undefined : { ca_file: caFile(temporaryFolder(t), tls.ca), ...('server_name' in tls ? { server_name: tls.server_name } : {}) };
    const { url, lines, endpoints } = await startReloadableRouter(t, { ...keysFor(front.url, settings), ready: false });
    await eventually(() => lines().some((line) => /ERR_TLS_CERT_ALTNAME_INVALID|UNABLE_TO_VERIFY_LEAF_SIGNATURE/.test(JSON.stringify(line))));
    t.match(await endpoints(), [{ available: false, unavailable_because: 'unhealthy' }]);
    t.equal((await call(t, url, { path: CHAT.path, body: CHAT.body('x', true) })).status, 503);
    t.equal((await call(t, url, { path: '/tokenize', body: '{}' })).status, 503);
    t.same(upstream.requests, []);
  });
}

test('the configured name is asked for in the place of the address', async (t) => {
  const front = await startTlsFront(t, await upstreamOf(t), NAMED);
  const { url } = await startReloadableRouter(t, keysFor(front.url, { ca_file: caFile(temporaryFolder(t), CA), server_name: 'vllm.internal' }));
  await serves(t, url);
  t.same([...front.names], ['vllm.internal']);
});

test('the router shows its certificate where one is asked for, in requests, probes and load samples', async (t) => {
  const front = await startTlsFront(t, await upstreamOf(t), { ...FIRST, ca: CA, requestCert: true, rejectUnauthorized: true });
  const folder = temporaryFolder(t);
  const tls = { ca_file: caFile(folder, CA), ...filesOf(folder, 'client', CLIENT) };
  const { url } = await startReloadableRouter(t, keysFor(front.url, tls));
  await serves(t, url);
  t.same([...front.shown], ['client']);
});

test('each pool has its own, and a generation request fails where the certificate has changed for one of another CA', async (t) => {
  const upstreams = [await upstreamOf(t), await upstreamOf(t)];
  const fronts = [await startTlsFront(t, upstreams[0]!, FIRST), await startTlsFront(t, upstreams[1]!, NAMED)];
  const folder = temporaryFolder(t);
  const tls = { ca_file: caFile(folder, CA) };
  const pools = [{ name: 'a', endpoints: [fronts[0]!.url], tls, by_load: false }, { name: 'b', endpoints: [fronts[1]!.url], tls: { ...tls, server_name: 'vllm.internal' } }];
  const models = [{ name: 'on-a', targets: [{ pool: 'a', model: 'm' }] }, { name: 'on-b', targets: [{ pool: 'b', model: 'm' }] }];
  const { url } = await startReloadableRouter(t, { pools, models }, join(folder, 'warmroute.yaml'));
  for (const model of ['on-a', 'on-b']) t.equal((await call(t, url, { path: CHAT.path, body: CHAT.body('x', true).replace('"m"', `"${model}"`) })).status, 200, model);
  t.same(upstreams.map(({ requests }) => requests.length), [1, 1]);
  t.same(fronts.map(({ names }) => [...names]), [['localhost'], ['vllm.internal']]);
});

test('another CA holds from the next connection on', async (t) => {
  const front = await startTlsFront(t, await upstreamOf(t), FIRST);
  const folder = temporaryFolder(t);
  const { url, reload, endpoints } = await startReloadableRouter(t, keysFor(front.url, { ca_file: caFile(folder, CA) }));
  await serves(t, url);
  const other = keysFor(front.url, { ca_file: caFile(temporaryFolder(t), OTHER_CA) });
  t.same(await reload(other), RELOADED);
  await eventually(async () => (await endpoints()).every(({ available }) => !available));
  t.same(await reload(keysFor(front.url, { ca_file: join(folder, 'ca.crt') })), RELOADED);
  await eventually(async () => (await endpoints()).every(({ available }) => available));
  await serves(t, url);
});
