// Endpoints change while requests are under way: streams go on where they are, and what is known of an address stays.

import { test, type Test } from 'tap';
import { call, header, openConnection, readAnswer, requestBytes, type Connection } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, startRawUpstream, STREAM_HEAD, type RawRequest, type RawUpstream } from '../support/raw-upstream.ts';
import { RELOADED, startReloadableRouter } from '../support/reloadable-router.ts';
import { CHAT, streamOf } from '../support/surfaces.ts';
import { eventually, type TestRouterOptions } from '../support/test-router.ts';

/** Long enough that nobody would compute it again only to have an endpoint for himself. */
const body = CHAT.body('hello '.repeat(1000), true);
const answerWhole = ({ socket }: RawRequest): void => void socket.write(STREAM_HEAD + chunk(streamOf(CHAT, ['x'])).toString() + LAST_CHUNK);
const begin = ({ socket }: RawRequest): void => void socket.write(STREAM_HEAD + chunk(CHAT.opening).toString());
const end = ({ socket }: RawRequest): void => void socket.write(chunk(CHAT.delta('x') + CHAT.terminal).toString() + LAST_CHUNK);

async function openStream(t: Test, url: string): Promise<Connection> {
  const client = await openConnection(t, url);
  client.socket.write(requestBytes({ path: CHAT.path, body }));
  await client.until((bytes) => bytes.includes(CHAT.opening));
  return client;
}

async function isWhole(t: Test, client: Connection): Promise<void> {
  const answer = readAnswer(await client.closed);
  t.match(answer, { status: 200, whole: true });
  t.equal(answer.body.toString(), streamOf(CHAT, ['x']));
}

const pool = (name: string, endpoints: readonly RawUpstream[], more: object = {}) => ({ name, endpoints: endpoints.map(({ url }) => url), slow_start_ms: 0, ...more });

test('an endpoint that is added gets requests, one that is removed finishes its stream and gets no more', async (t) => {
  const [old, fresh] = [await startRawUpstream(t, begin), await startRawUpstream(t, answerWhole)];
  const router = await startReloadableRouter(t, { endpoints: [old.url] });
  const client = await openStream(t, router.url);
  t.same(await router.reload({ endpoints: [old.url, fresh.url] }), RELOADED);
  await eventually(async () => (await router.endpoints()).every(({ available }) => available));
  t.same(await router.reload({ endpoints: [fresh.url] }), RELOADED);
  t.match(await router.endpoints(), [
    { id: old.id, available: false, unavailable_because: 'draining', draining_by: ['source'], in_flight: 1 },
    { id: fresh.id, available: true, unavailable_because: '', draining_by: [] },
  ]);
  for (let i = 0; i < 5; i += 1) t.equal((await call(t, router.url, { path: CHAT.path, body: CHAT.body(`${i}`, true) })).status, 200);
  t.equal(old.requests.length, 1);
  t.equal(fresh.requests.length, 5);
  end(await old.request(0));
  await isWhole(t, client);
  t.match(await router.endpoints(), [{ in_flight: 0 }, { in_flight: 0 }]);
  t.match(router.lines().filter(({ msg }) => msg === 'endpoints changed'), [{ added: [fresh.id], removed: [] }, { added: [], removed: [old.id] }]);
});

test('where all endpoints are replaced, no request falls between the old and the new ones', async (t) => {
  const [old, fresh] = [await startRawUpstream(t, answerWhole), await startRawUpstream(t, answerWhole)];
  const router = await startReloadableRouter(t, { endpoints: [old.url] });
  const statuses: number[] = [];
  const one = async (): Promise<void> => void statuses.push((await call(t, router.url, { path: CHAT.path, body })).status);
  t.same(await router.reload({ endpoints: [fresh.url] }), RELOADED);
  // Nobody knows yet whether the new one is there.
  await one();
  await eventually(async () => one().then(() => fresh.requests.length > 0));
  const before = old.requests.length;
  await one();
  t.equal(old.requests.length, before);
  t.same(new Set(statuses), new Set([200]));
});

test('an endpoint that moves to another pool keeps its stream, its health and its prefixes, and gets the key of the new one', async (t) => {
  const [moved, other] = [await startRawUpstream(t, begin), await startRawUpstream(t, answerWhole)];
  const router = await startReloadableRouter(t, { pools: [pool('p', [moved], { api_key: 'first' }), pool('q', [other])] });
  const target = (name: string): TestRouterOptions => ({ models: [{ name: 'm', targets: [{ pool: name }] }] });
  t.same(await router.reload({ pools: [pool('p', [moved], { api_key: 'first' }), pool('q', [other])], ...target('p') }), RELOADED);
  const client = await openStream(t, router.url);
  await eventually(async () => ((await router.endpoints()).find(({ id }) => id === moved.id)?.index.tokens ?? 0) > 0);
  t.same(await router.reload({ pools: [pool('q', [other, moved], { api_key: 'second' })], ...target('q') }), RELOADED);
  const state = (await router.endpoints()).find(({ id }) => id === moved.id);
  t.match(state, { pool: 'q', available: true, in_flight: 1 });
  t.ok((state?.index.tokens ?? 0) > 0);
  const again = await openStream(t, router.url);
  t.same(moved.requests.map((request) => header(request, 'authorization')), ['Bearer first', 'Bearer second'], 'by prefix it goes where it was');
  for (const request of moved.requests) end(request);
  await isWhole(t, client);
  await isWhole(t, again);
});

test('settings of a pool hold for the endpoints that it has', async (t) => {
  const upstream = await startRawUpstream(t, begin);
  const limited = (in_flight_max: number): TestRouterOptions => ({ pools: [pool('p', [upstream], { in_flight_max })] });
  const router = await startReloadableRouter(t, limited(5));
  await openStream(t, router.url);
  t.same(await router.reload(limited(1)), RELOADED);
  t.match(await router.endpoints(), [{ available: false, unavailable_because: 'full', in_flight: 1 }]);
  t.same(await router.reload(limited(2)), RELOADED);
  t.match(await router.endpoints(), [{ available: true, in_flight: 1 }]);
});
