// An endpoint answers everything with an error: it gets no more requests, then one at a time, and all again once one is answered.

import { test } from 'tap';
import { call } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, type RawRequest, sized, startRawUpstream, STREAM_HEAD } from '../support/raw-upstream.ts';
import { CHAT, streamOf } from '../support/surfaces.ts';
import { eventually, startTestRouter } from '../support/test-router.ts';

const body = CHAT.body('hello', true);
const answerWhole = ({ socket }: RawRequest): void => void socket.write(STREAM_HEAD + chunk(streamOf(CHAT, ['hello'])).toString() + LAST_CHUNK);
const answerError = ({ socket }: RawRequest): void => void socket.write(sized(500, '{"error":{"message":"boom","type":"InternalServerError","code":500}}'));

const inTurn = [{ name: 'prefix', host: '127.0.0.1', port: 0, policy: 'round-robin' }];

test('one of three endpoints answers 500 to everything: clients see three errors, and it gets no further request', async (t) => {
  const upstreams = [await startRawUpstream(t, answerWhole), await startRawUpstream(t, answerError), await startRawUpstream(t, answerWhole)];
  const { url, lines, endpoints, metric } = await startTestRouter(t, { listeners: inTurn, pools: [{ endpoints: upstreams.map((each) => each.url), slow_start_ms: 0, ejection: { base_ms: 300_000 } }] });
  const statuses: number[] = [];
  for (let i = 0; i < 60; i += 1) statuses.push((await call(t, url, { path: CHAT.path, body })).status);
  t.equal(statuses.filter((status) => status !== 200).length, 3);
  t.equal(upstreams[1]?.requests.length, 3);
  t.match(await endpoints(), [{ available: true }, { available: false, unavailable_because: 'ejected', ejections: 1 }, { available: true }]);
  t.equal(await metric('warmroute_ejections_total', { endpoint: upstreams[1]?.id ?? '' }), 1);
  t.match(lines().filter(({ msg }) => msg === 'endpoint is ejected'), [{ endpoint: upstreams[1]?.id, reason: '3 errors in a row' }]);
});

test('an ejected endpoint that answers on trial is back', async (t) => {
  let healed = false;
  const upstreams = [await startRawUpstream(t, answerWhole), await startRawUpstream(t, (request) => (healed ? answerWhole(request) : answerError(request)))];
  const { url, lines, endpoints } = await startTestRouter(t, { listeners: inTurn, pools: [{ endpoints: upstreams.map((each) => each.url), slow_start_ms: 0, ejection: { base_ms: 100 } }] });
  const ask = async (): Promise<number> => (await call(t, url, { path: CHAT.path, body })).status;
  await eventually(async () => (await ask(), lines().some(({ msg }) => msg === 'endpoint is ejected')), 20_000);
  healed = true;
  await eventually(async () => (await ask(), lines().some(({ msg }) => msg === 'endpoint is back from its ejection')), 20_000);
  t.match(await endpoints(), [{ available: true }, { available: true }]);
  t.same([await ask(), await ask(), await ask(), await ask()], [200, 200, 200, 200]);
});

test('when every endpoint answers with errors, all go on getting requests', async (t) => {
  const upstreams = [await startRawUpstream(t, answerError), await startRawUpstream(t, answerError)];
  const { url, lines } = await startTestRouter(t, { listeners: inTurn, pools: [{ endpoints: upstreams.map((each) => each.url), slow_start_ms: 0 }] });
  for (let i = 0; i < 20; i += 1) t.equal((await call(t, url, { path: CHAT.path, body })).status, 500, "the engine's own error, not that there is none");
  t.equal(lines().filter(({ msg }) => msg === 'too few endpoints are available, ejections by errors are ignored').length, 1);
});
