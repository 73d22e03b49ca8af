// A router that stops lets go of everything it holds, whatever is under way.

import { test } from 'tap';
import { call, openConnection, readAnswer, requestBytes } from '../support/raw-client.ts';
import { chunk, sized, startRawUpstream, STREAM_HEAD, type RawRequest } from '../support/raw-upstream.ts';
import { CHAT } from '../support/surfaces.ts';
import { startTestRouter } from '../support/test-router.ts';

const AT_ONCE = 5;

for (const [phase, said] of [['before any answer', ''], ['in the middle of a stream', STREAM_HEAD + chunk(CHAT.opening).toString()]] as const) {
  test(`stopped ${phase}, it ends every connection of clients and endpoints after the deadline`, async (t) => {
    const upstream = await startRawUpstream(t, ({ socket }) => void (said !== '' && socket.write(said)));
    const { router, url } = await startTestRouter(t, { endpoints: [upstream.url], shutdown: { settle_ms: 0, deadline_ms: 50 } });
    const clients = [];
    for (let i = 0; i < AT_ONCE; i += 1) {
      for (const path of [CHAT.path, '/v1/embeddings']) {
        const client = await openConnection(t, url);
        client.socket.write(requestBytes({ path, body: CHAT.body(`${i}`, true) }));
        clients.push(client);
      }
    }
    await upstream.request(2 * AT_ONCE - 1);
    await router.stop();
    for (const client of clients) t.equal(readAnswer(await client.closed).whole, false);
    for (const request of upstream.requests) await request.closed;
    t.equal(upstream.openConnections(), 0);
  });
}

test('stopped while several connections to an endpoint are idle, it closes them', async (t) => {
  const waiting: RawRequest[] = [];
  const upstream = await startRawUpstream(t, (request) => {
    waiting.push(request);
    if (waiting.length === AT_ONCE) for (const { socket } of waiting) socket.write(sized(200, '{}'));
  });
  const { router, url } = await startTestRouter(t, { endpoints: [upstream.url] });
  const answers = await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => call(t, url, { path: CHAT.path, body: CHAT.body(`${i}`, false) })));
  t.same(answers.map(({ status }) => status), Array.from({ length: AT_ONCE }, () => 200));
  t.equal(upstream.openConnections(), AT_ONCE);
  await router.stop();
  for (const request of upstream.requests) await request.closed;
});

test('stopped while a client is connected that has asked nothing, it does not wait for it', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const { router, url } = await startTestRouter(t, { endpoints: [upstream.url], shutdown: { settle_ms: 0, deadline_ms: 60_000 } });
  const client = await openConnection(t, url);
  t.equal((await call(t, url, { method: 'GET', path: '/health' })).status, 200, 'that one is accepted by now');
  await router.stop();
  t.equal((await client.closed).length, 0);
});
