// A reload for which there is nothing to read, or no time.

import { test } from 'tap';
import { openConnection, readAnswer, requestBytes } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, startRawUpstream, STREAM_HEAD } from '../support/raw-upstream.ts';
import { askReload, startReloadableRouter } from '../support/reloadable-router.ts';
import { CHAT, streamOf } from '../support/surfaces.ts';
import { eventually, startTestRouter } from '../support/test-router.ts';

test('started from the environment there is nothing to read again', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const { router, adminUrl, lines, metric } = await startTestRouter(t, { endpoints: [upstream.url] });
  const why = /started without a file/;
  t.match(await askReload(adminUrl), { status: 409, result: 'refused', problems: [why] });
  t.match(await router.reload(), { result: 'refused', why });
  t.match(lines().filter(({ msg }) => msg === 'no reload'), [{ trigger: 'admin', reason: why }, { trigger: 'signal', reason: why }]);
  t.match(await (await fetch(`${adminUrl}/config`)).json(), { source: 'WARMROUTE_ENDPOINTS', last_reload: null });
  t.equal(await metric('warmroute_config_reloads_total'), 0);
});

test('a router that is stopping takes over nothing more', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => void socket.write(STREAM_HEAD + chunk(CHAT.opening).toString()));
  const router = await startReloadableRouter(t, { endpoints: [upstream.url], shutdown: { settle_ms: 0, deadline_ms: 60_000 } });
  const client = await openConnection(t, router.url);
  client.socket.write(requestBytes({ path: CHAT.path, body: CHAT.body('a', true) }));
  await client.until((bytes) => bytes.includes(CHAT.opening));
  const stopped = router.router.stop();
  await eventually(() => router.lines().some(({ phase }) => phase === 'draining'));
  const listeners = [{ name: 'late', host: '127.0.0.1', port: 0 }];
  t.match(await router.reload({ endpoints: [upstream.url], listeners }), { status: 409, result: 'refused', problems: ['the router is stopping'] });
  t.match(await router.reload('pools: none'), { status: 409, result: 'refused' }, 'nothing is even read');
  t.notOk('late' in router.router.urls);
  (await upstream.request(0)).socket.write(chunk(CHAT.delta('x') + CHAT.terminal).toString() + LAST_CHUNK);
  t.equal(readAnswer(await client.closed).body.toString(), streamOf(CHAT, ['x']));
  await stopped;
});
