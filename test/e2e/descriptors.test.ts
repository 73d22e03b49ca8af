// A router that runs out of file descriptors turns clients away, and serves again when there are some.

import { test } from 'tap';
import { call, openConnection, requestBytes, type Connection } from '../support/raw-client.ts';
import { sized, startRawUpstream } from '../support/raw-upstream.ts';
import { spawnRouter } from '../support/router-process.ts';
import { CHAT } from '../support/surfaces.ts';
import { eventually } from '../support/test-router.ts';

const DESCRIPTORS_MAX = 80;
const CLIENTS = 2 * DESCRIPTORS_MAX;

test('without file descriptors clients are turned away, and the process lives on', { timeout: 60_000 }, async (t) => {
  let answers = false;
  const upstream = await startRawUpstream(t, ({ socket, path }) => void ((answers || path !== CHAT.path) && socket.write(sized(200, '{"choices":[]}'))));
  const config = { listeners: [{ name: 'clients', host: '127.0.0.1', port: 0 }], admin: { port: 0 }, pools: [{ endpoints: [upstream.url], slow_start_ms: 0, probe: { interval_ms: 200 } }], shutdown: { settle_ms: 0, deadline_ms: 500 } };
  const router = spawnRouter(t, config, 2, DESCRIPTORS_MAX);
  const urls = await router.urls;
  const [url = '', adminUrl = ''] = [urls.get('clients'), urls.get('admin')];
  await eventually(async () => (await fetch(`${adminUrl}/ready`)).status === 200, 20_000);

  const clients: Connection[] = [];
  for (let at = 0; at < CLIENTS; at += 1) {
    const client = await openConnection(t, url);
    client.socket.write(requestBytes({ path: CHAT.path, body: CHAT.body('hello', false) }));
    clients.push(client);
  }
  // The endpoint says nothing, so who has an answer or a closed connection was turned away.
  const turnedAway = await Promise.any(clients.map(({ closed }) => closed));
  t.notMatch(turnedAway.toString('latin1'), 'HTTP/1.1 200');
  t.ok(upstream.requests.length > 0, 'others got through');
  t.ok(upstream.requests.length < CLIENTS);

  answers = true;
  for (const { socket } of clients) socket.destroy();
  await eventually(async () => (await call(t, url, { path: CHAT.path, body: CHAT.body('hello', false) }).catch(() => ({ status: 0 }))).status === 200, 20_000);
  t.equal((await fetch(`${adminUrl}/live`)).status, 200);
  router.child.kill('SIGTERM');
  t.match(await router.ended, { code: 0 });
});
