// An operator drains an endpoint and undoes it: it finishes what it has, gets nothing new, and a reload does not forget it.

import { test } from 'tap';
import { call, openConnection, readAnswer, requestBytes } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, startRawUpstream, STREAM_HEAD, type RawRequest } from '../support/raw-upstream.ts';
import { RELOADED, startReloadableRouter } from '../support/reloadable-router.ts';
import { CHAT, streamOf } from '../support/surfaces.ts';
import { startTestRouter } from '../support/test-router.ts';

const begin = ({ socket }: RawRequest): void => void socket.write(STREAM_HEAD + chunk(CHAT.opening).toString());
const end = ({ socket }: RawRequest): void => void socket.write(chunk(CHAT.delta('x') + CHAT.terminal).toString() + LAST_CHUNK);

const post = async (url: string): Promise<{ status: number; body: unknown }> => {
  const answer = await fetch(url, { method: 'POST' });
  return { status: answer.status, body: await answer.json() };
};

test('a drained endpoint finishes its stream, gets nothing new also after a reload, and is back when it is undrained', async (t) => {
  const [first, second] = [await startRawUpstream(t, begin), await startRawUpstream(t, (request) => (begin(request), end(request)))];
  const endpoints = [first.url, second.url];
  const router = await startReloadableRouter(t, { endpoints: [first.url] });
  const client = await openConnection(t, router.url);
  client.socket.write(requestBytes({ path: CHAT.path, body: CHAT.body('hello', true) }));
  await client.until((bytes) => bytes.includes(CHAT.opening));
  const path = `${router.adminUrl}/endpoints/${encodeURIComponent(first.id)}`;
  const drained = { id: first.id, available: false, unavailable_because: 'draining', draining_by: ['admin'], in_flight: 1 };

  t.match(await post(`${path}/drain`), { status: 200, body: drained });
  t.equal((await call(t, router.url, { path: CHAT.path, body: CHAT.body('a', true) })).status, 503, 'nobody is left');
  t.equal((await fetch(`${router.adminUrl}/ready`)).status, 503);
  t.same(await router.reload({ endpoints }), RELOADED);
  await router.router.ready();
  t.match(await router.endpoints(), [drained, { id: second.id, available: true, draining_by: [] }]);
  for (let i = 0; i < 5; i += 1) t.equal((await call(t, router.url, { path: CHAT.path, body: CHAT.body(`${i}`, true) })).status, 200);
  t.equal(first.requests.length, 1);
  t.equal(await router.metric('warmroute_endpoint_available', { endpoint: first.id }), 0);

  t.same(await router.reload({ endpoints: [second.url] }), RELOADED);
  t.match(await router.endpoints(), [{ ...drained, draining_by: ['admin', 'source'] }, {}]);
  t.same(await router.reload({ endpoints }), RELOADED);
  end(await first.request(0));
  const answer = readAnswer(await client.closed);
  t.match(answer, { status: 200, whole: true });
  t.equal(answer.body.toString(), streamOf(CHAT, ['x']));

  t.match(await post(`${path}/undrain`), { status: 200, body: { available: true, draining_by: [], in_flight: 0 } });
  t.match(await router.endpoints(), [{ available: true }, { available: true }]);
  const told = router.lines().filter(({ msg, endpoint }) => endpoint === first.id && String(msg).includes('operator'));
  t.match(told, [{ msg: 'endpoint is drained by an operator' }, { msg: 'endpoint is no longer drained by an operator' }]);
});

test('an id that nobody has is 404, and so is one without its port', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const { adminUrl, endpoints } = await startTestRouter(t, { endpoints: [upstream.url] });
  for (const id of ['127.0.0.1', '127.0.0.1:1', 'x'.repeat(300)]) t.equal((await post(`${adminUrl}/endpoints/${id}/drain`)).status, 404);
  t.match(await endpoints(), [{ available: true }]);
});
