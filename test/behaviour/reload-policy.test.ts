// How endpoints are chosen, and what models are called, changes for the requests to come.

import { test } from 'tap';
import { call } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, startRawUpstream, STREAM_HEAD, type RawRequest } from '../support/raw-upstream.ts';
import { RELOADED, startReloadableRouter } from '../support/reloadable-router.ts';
import { CHAT, streamOf } from '../support/surfaces.ts';
import type { TestRouterOptions } from '../support/test-router.ts';

const answerWhole = ({ socket }: RawRequest): void => void socket.write(STREAM_HEAD + chunk(streamOf(CHAT, ['x'])).toString() + LAST_CHUNK);

test("a listener's other policy holds for its next request, and it goes on with the turns it had", async (t) => {
  const upstreams = [await startRawUpstream(t, answerWhole), await startRawUpstream(t, answerWhole)];
  const endpoints = upstreams.map(({ url }) => url);
  const by = (policy: string): TestRouterOptions => ({ endpoints, listeners: [{ name: 'prefix', host: '127.0.0.1', port: 0, policy }] });
  const router = await startReloadableRouter(t, by('round-robin'));
  const ask = (): Promise<unknown> => call(t, router.url, { path: CHAT.path, body: CHAT.body('the same words', true) });
  await ask();
  t.same(await router.reload(by('round-robin')), RELOADED);
  await ask();
  t.same(upstreams.map(({ requests }) => requests.length), [1, 1], 'the second turn, and not the first again');
  t.same(await router.reload(by('prefix-cost')), RELOADED);
  await ask();
  t.match(router.lines().findLast(({ msg }) => msg === 'request'), { policy: 'prefix-cost', match_ratio: 1 });
});

test('models are known by their new names, at the same places', async (t) => {
  const upstream = await startRawUpstream(t, answerWhole);
  const named = (name: string): TestRouterOptions => ({ endpoints: [upstream.url], models: [{ name, targets: [{ pool: 'default', model: 'm' }] }] });
  const router = await startReloadableRouter(t, named('m'));
  const ask = async (): Promise<number> => (await call(t, router.url, { path: CHAT.path, body: CHAT.body('a', true) })).status;
  const list = async (): Promise<string[]> => ((await (await fetch(`${router.url}/v1/models`)).json()) as { data: { id: string }[] }).data.map(({ id }) => id);
  t.same([await ask(), await list()], [200, ['m']]);
  t.same(await router.reload(named('other')), RELOADED);
  t.same([await ask(), await list()], [404, ['other']]);
});
