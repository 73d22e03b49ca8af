// The file changes in any of the ways in which files change, and the router notices by itself.

import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type Test } from 'tap';
import { call, header } from '../support/raw-client.ts';
import { sized, startRawUpstream, type RawUpstream } from '../support/raw-upstream.ts';
import { startReloadableRouter, temporaryFolder, type ReloadableRouter } from '../support/reloadable-router.ts';
import { CHAT } from '../support/surfaces.ts';
import { eventually, fileOf } from '../support/test-router.ts';

const okUpstream = (t: Test): Promise<RawUpstream> => startRawUpstream(t, ({ socket }) => void socket.write(sized(200, '{}')));

async function until(router: ReloadableRouter, count: number): Promise<void> {
  await eventually(() => router.lines().filter(({ msg, trigger }) => msg === 'configuration reloaded' && trigger === 'file').length === count);
}

/** The endpoints that are named, oldest first. */
async function named(router: ReloadableRouter): Promise<string[]> {
  return (await router.endpoints()).filter(({ draining_by }) => draining_by.length === 0).map(({ id }) => id);
}

test('a rename onto the file, again and again, and a text written into it', async (t) => {
  const upstreams = [await okUpstream(t), await okUpstream(t), await okUpstream(t)];
  const urls = upstreams.map(({ url }) => url);
  const router = await startReloadableRouter(t, { endpoints: urls.slice(0, 1) });
  router.write({ endpoints: urls.slice(0, 2) });
  await until(router, 1);
  t.equal((await named(router)).length, 2);
  router.write({ endpoints: urls.slice(0, 3) });
  await until(router, 2);
  t.equal((await named(router)).length, 3);
  writeFileSync(router.file, fileOf({ endpoints: urls.slice(0, 1), log: { level: 'info' } }));
  await until(router, 3);
  t.equal(await router.metric('warmroute_config_reloads_total', { result: 'ok' }), 3);
});

test('a Kubernetes ConfigMap: links to a folder whose own link is swapped', async (t) => {
  const folder = temporaryFolder(t);
  const upstreams = [await okUpstream(t), await okUpstream(t)];
  const revision = (name: string, text: string): void => {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'warmroute.yaml'), text);
  };
  const swap = (name: string): void => {
    symlinkSync(name, join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  };
  const file = join(folder, 'warmroute.yaml');
  revision('..2026_1', '');
  swap('..2026_1');
  symlinkSync('..data/warmroute.yaml', file);
  const router = await startReloadableRouter(t, { endpoints: [upstreams[0]?.url ?? ''] }, file);
  t.equal(readFileSync(join(folder, '..2026_1', 'warmroute.yaml'), 'utf8').length > 0, true, 'it was written through the links');
  for (const [at, count] of [2, 1, 2].entries()) {
    revision(`..2026_${at + 2}`, fileOf({ endpoints: upstreams.slice(0, count).map(({ url }) => url) }));
    swap(`..2026_${at + 2}`);
    rmSync(join(folder, `..2026_${at + 1}`), { recursive: true });
    await until(router, at + 1);
  }
  t.equal((await router.endpoints()).length, 2);
});

test('a link to a file elsewhere, which is replaced there', async (t) => {
  const [here, elsewhere] = [temporaryFolder(t), temporaryFolder(t)];
  const upstream = await okUpstream(t);
  const [file, real] = [join(here, 'warmroute.yaml'), join(elsewhere, 'real.yaml')];
  writeFileSync(real, '');
  symlinkSync(real, file);
  const router = await startReloadableRouter(t, { endpoints: [upstream.url] }, file);
  for (const count of [1, 2]) {
    writeFileSync(`${real}.new`, fileOf({ endpoints: [upstream.url], log: { sample_ratio: count / 4 } }));
    renameSync(`${real}.new`, real);
    await until(router, count);
  }
  t.equal(await router.metric('warmroute_config_reloads_total', { result: 'ok' }), 2);
});

test('the folder is replaced as a whole', async (t) => {
  const folder = join(temporaryFolder(t), 'etc');
  const upstream = await okUpstream(t);
  mkdirSync(folder);
  const router = await startReloadableRouter(t, { endpoints: [upstream.url] }, join(folder, 'warmroute.yaml'));
  for (const count of [1, 2]) {
    mkdirSync(`${folder}.new`);
    writeFileSync(join(`${folder}.new`, 'warmroute.yaml'), fileOf({ endpoints: [upstream.url], log: { sample_ratio: count / 4 } }));
    renameSync(folder, `${folder}.old${count}`);
    renameSync(`${folder}.new`, folder);
    await until(router, count);
  }
  t.pass('noticed twice');
});

test('a secret that the file names is replaced, and requests carry the new one', async (t) => {
  const folder = temporaryFolder(t);
  const upstream = await okUpstream(t);
  const secret = join(folder, 'key');
  writeFileSync(secret, 'first\n');
  const router = await startReloadableRouter(t, { pools: [{ endpoints: [upstream.url], api_key: `\${file:${secret}}` }] });
  await call(t, router.url, { path: CHAT.path, body: CHAT.body('a', false) });
  writeFileSync(`${secret}.new`, 'second\n');
  renameSync(`${secret}.new`, secret);
  await until(router, 1);
  await call(t, router.url, { path: CHAT.path, body: CHAT.body('b', false) });
  t.same(upstream.requests.map((request) => header(request, 'authorization')), ['Bearer first', 'Bearer second']);
  t.notMatch(JSON.stringify(router.lines()), /second/);
});

test('a secret that the file names only since its last change is followed too', async (t) => {
  const folder = temporaryFolder(t);
  const upstream = await okUpstream(t);
  const secret = join(folder, 'key');
  writeFileSync(secret, 'first');
  const router = await startReloadableRouter(t, { endpoints: [upstream.url] });
  router.write({ pools: [{ endpoints: [upstream.url], api_key: `\${file:${secret}}` }] });
  await until(router, 1);
  writeFileSync(secret, 'second');
  await until(router, 2);
  await call(t, router.url, { path: CHAT.path, body: CHAT.body('a', false) });
  t.equal(header(await upstream.request(0), 'authorization'), 'Bearer second');
});

test('a wrong file is told of once, and other files in the folder are none of its business', async (t) => {
  const upstream = await okUpstream(t);
  const router = await startReloadableRouter(t, { endpoints: [upstream.url] });
  const rejected = (): number => router.lines().filter(({ msg }) => msg === 'configuration not reloaded, the one before stays').length;
  router.write('pools: 5');
  await eventually(() => rejected() === 1);
  writeFileSync(`${router.file}.other`, 'x');
  router.write({ endpoints: [upstream.url] });
  await until(router, 1);
  t.equal(rejected(), 1);
  t.equal(await router.metric('warmroute_config_reloads_total'), 2);
});
