// A client that stops waiting for its turn has no place in the queue any more, and nobody is asked on its behalf.

import { test } from 'tap';
import { call, openConnection, readAnswer, requestBytes } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, sized, startRawUpstream, STREAM_HEAD } from '../support/raw-upstream.ts';
import { assignment, StubDispatcher, startForwarding, TICKET, WAITING } from '../support/stub-dispatcher.ts';
import { CHAT, streamOf } from '../support/surfaces.ts';
import { eventually, startTestRouter } from '../support/test-router.ts';

const body = CHAT.body('hello', true);
const whole = streamOf(CHAT, ['hello']);
const BUSY = { slow_start_ms: 0, in_flight_max: 1 };

test('it leaves its place, and the request behind it is served', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const { url, metric, endpoints } = await startTestRouter(t, { pools: [{ endpoints: [upstream.url], ...BUSY }] });
  const first = call(t, url, { path: CHAT.path, body });
  const { socket } = await upstream.request(0);
  const leaving = await openConnection(t, url);
  leaving.socket.write(requestBytes({ path: CHAT.path, body: CHAT.body('never sent', true) }));
  const staying = await openConnection(t, url);
  staying.socket.write(requestBytes({ path: CHAT.path, body: CHAT.body('sent', true) }));
  await eventually(async () => (await metric('warmroute_queue_requests')) === 2);
  t.equal(await metric('warmroute_queue_bytes'), CHAT.body('never sent', true).length + CHAT.body('sent', true).length);
  leaving.socket.resetAndDestroy();
  await eventually(async () => (await metric('warmroute_requests_total', { outcome: 'client_gone', code: '499' })) === 1);
  socket.write(STREAM_HEAD + chunk(whole).toString() + LAST_CHUNK);
  t.match(await first, { status: 200, whole: true });
  const second = await upstream.request(1);
  t.match(second.body.toString(), /"sent"/);
  second.socket.write(STREAM_HEAD + chunk(whole).toString() + LAST_CHUNK);
  t.match(readAnswer(await staying.closed), { status: 200, whole: true, body: Buffer.from(whole) });
  t.equal(upstream.requests.length, 2);
  t.match(await endpoints(), [{ in_flight: 0, queued_prompt_tokens: 0 }]);
});

test('it says so once, with its ticket', async (t) => {
  const dispatcher = new StubDispatcher(WAITING);
  const { url, records } = await startForwarding(t, dispatcher);
  const client = await openConnection(t, url);
  client.socket.write(requestBytes({ path: CHAT.path, body }));
  await eventually(() => dispatcher.settled !== undefined);
  client.socket.destroy();
  await eventually(() => records.length === 1);
  t.same(dispatcher.left, [TICKET]);
  t.match(records, [{ outcome: 'client_gone', status: 499, attempts: 0 }]);
  t.match(dispatcher.asks, [{ retry: undefined, excluded: [], bodyBytes: body.length }]);
});

for (const path of [CHAT.path, '/v1/embeddings']) {
  test(`${path}: a turn that comes in the tick in which the client leaves is given back, unused`, async (t) => {
    const upstream = await startRawUpstream(t, () => {});
    const dispatcher = new StubDispatcher(WAITING);
    dispatcher.leave = () => t.fail('its turn had come before');
    const { url, records, responses } = await startForwarding(t, dispatcher);
    const client = await openConnection(t, url);
    client.socket.write(requestBytes({ path, body }));
    await eventually(() => dispatcher.settled !== undefined);
    setImmediate(() => {
      // A response is destroyed at once and tells so a little later: by load it is looked at, elsewhere it is heard.
      if (path !== CHAT.path) responses[0]!.destroy();
      dispatcher.settled!(assignment(1, upstream.id));
      if (path === CHAT.path) responses[0]!.destroy();
    });
    await eventually(() => records.length === 1);
    t.same(dispatcher.finished, [[1, { kind: 'client_gone' }]]);
    t.match(records, [{ outcome: 'client_gone' }]);
    t.equal(upstream.requests.length, 0);
  });
}

test('a request that is told to go after all goes', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => void socket.write(STREAM_HEAD + chunk(whole).toString() + LAST_CHUNK));
  const dispatcher = new StubDispatcher(WAITING);
  const { url } = await startForwarding(t, dispatcher);
  const answered = call(t, url, { path: CHAT.path, body });
  await eventually(() => dispatcher.settled !== undefined);
  dispatcher.settled!(assignment(1, upstream.id));
  t.match(await answered, { status: 200, whole: true, body: Buffer.from(whole) });
  t.match(dispatcher.finished, [[1, { kind: 'complete' }]]);
  t.same(dispatcher.left, []);
});

test('a surface routed by load waits without its body being read, and leaves the queue too', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const { url, metric, endpoints } = await startTestRouter(t, { pools: [{ endpoints: [upstream.url], ...BUSY }] });
  const first = call(t, url, { path: CHAT.path, body });
  const { socket } = await upstream.request(0);
  const leaving = await openConnection(t, url);
  leaving.socket.write(requestBytes({ path: '/v1/embeddings', body: '{"input":"never sent"}' }));
  const big = `{"input":"${'x'.repeat(8_000_000)}"}`;
  const staying = await openConnection(t, url);
  const sent = staying.socket.write(requestBytes({ path: '/v1/embeddings', body: big }));
  t.equal(sent, false);
  leaving.socket.resetAndDestroy();
  await eventually(async () => (await metric('warmroute_requests_total', { outcome: 'client_gone' })) === 1);
  t.ok(staying.socket.writableLength > 0, 'the rest of the body is still with the client');
  socket.write(STREAM_HEAD + chunk(whole).toString() + LAST_CHUNK);
  await first;
  const second = await upstream.request(1);
  t.equal(second.body.length, big.length);
  second.socket.write(sized(200, '{}'));
  t.match(readAnswer(await staying.closed), { status: 200, whole: true });
  t.equal(upstream.requests.length, 2);
  t.match(await endpoints(), [{ in_flight: 0 }]);
});
