// A file with problems changes nothing, and everybody who looks is told what is wrong with it.

import { rmSync } from 'node:fs';
import { test } from 'tap';
import { call } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, startRawUpstream, STREAM_HEAD } from '../support/raw-upstream.ts';
import { askReload, RELOADED, startReloadableRouter } from '../support/reloadable-router.ts';
import { CHAT, streamOf } from '../support/surfaces.ts';

test('a broken file leaves the old configuration in place, in one line of the log with all its problems, and shown by the admin', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => void socket.write(STREAM_HEAD + chunk(streamOf(CHAT, ['x'])).toString() + LAST_CHUNK));
  const router = await startReloadableRouter(t, { pools: [{ endpoints: [upstream.url], api_key: 'MARKER' }] });
  const shown = async () => (await (await fetch(`${router.adminUrl}/config`)).json()) as { loaded_at: string; source: string; last_reload: unknown };
  const first = await shown();
  t.match(first, { source: router.file, last_reload: null });
  t.ok(Date.now() - Date.parse(first.loaded_at) < 60_000);

  const problems = [/warmroute\.yaml:2:17: pools\[0\]\.endpoints\[0\]: is "ftp:\/\/x", wanted/, /warmroute\.yaml:3:5: pools\[0\]\.api_kye: is an unknown key, wanted api_key/];
  const broken = 'pools:\n  - endpoints: [ftp://x]\n    api_kye: MARKER\n';
  t.match(await router.reload(broken), { status: 422, result: 'failed', problems });
  const after = await shown();
  t.match(after, { loaded_at: first.loaded_at, source: router.file, last_reload: { result: 'failed', problems } });
  // On a busy machine the watch on the file may have been quicker, and tell the same.
  const failed = router.lines().filter(({ level }) => level === 'error');
  const told = failed.filter(({ trigger }) => trigger === 'admin');
  t.match(told, [{ trigger: 'admin', file: router.file, problems, msg: 'configuration not reloaded, the one before stays' }]);
  t.equal(told.length, 1);
  t.notMatch(JSON.stringify([after, router.lines()]), /MARKER/);
  t.equal(await router.metric('warmroute_config_reloads_total', { result: 'failed' }), failed.length);
  t.equal(await router.metric('warmroute_config_reloads_total', { result: 'ok' }), 0);
  t.equal((await call(t, router.url, { path: CHAT.path, body: CHAT.body('a', true) })).status, 200);

  t.same(await router.reload({ endpoints: [upstream.url] }), RELOADED);
  const last = await shown();
  t.match(last, { last_reload: { result: 'ok', problems: [] } });
  t.ok(last.loaded_at > first.loaded_at);
  t.equal(await router.metric('warmroute_config_reloads_total', { result: 'ok' }), router.lines().filter(({ msg }) => msg === 'configuration reloaded').length);
});

test('a file that is gone changes nothing either', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const router = await startReloadableRouter(t, { endpoints: [upstream.url] });
  rmSync(router.file);
  t.match(await askReload(router.adminUrl), { status: 422, problems: [/is unreadable \(ENOENT\), wanted a readable YAML file/] });
  t.match(await router.endpoints(), [{ id: upstream.id, available: true }]);
});
