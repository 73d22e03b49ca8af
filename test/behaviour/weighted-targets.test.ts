// A model that several targets serve: one name for clients, another at each target, and conversations that stay where they began.

import { test, type Test } from 'tap';
import { call } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, sized, startRawUpstream, STREAM_HEAD, type RawRequest, type RawUpstream } from '../support/raw-upstream.ts';
import { SURFACES } from '../support/surfaces.ts';
import { startTestRouter, type TestRouter } from '../support/test-router.ts';

const ALIAS = 'alias "with" ü';
const json = (value: object): string => JSON.stringify(value);

/** Two targets of one model, each a pool of its own with these endpoints. */
async function start(t: Test, pools: readonly (readonly RawUpstream[])[], weights: readonly number[] = [50, 50]): Promise<TestRouter> {
  return startTestRouter(t, {
    pools: pools.map((endpoints, i) => ({ name: `p${i}`, endpoints: endpoints.map(({ url }) => url), slow_start_ms: 0, probe: { interval_ms: 60_000 } })),
    models: [{ name: ALIAS, targets: pools.map((_, i) => ({ pool: `p${i}`, model: `upstream-${i}`, weight: weights[i] })) }],
  });
}

const upstreamOf = (t: Test, i: number, onRequest: (request: RawRequest) => void = ({ socket }) => void socket.write(sized(200, `{"model":"upstream-${i}"}`))): Promise<RawUpstream> =>
  startRawUpstream(t, onRequest, { models: [`upstream-${i}`] });

test('only the name is replaced in the body, in place, and the answer keeps the name of the one that gave it', async (t) => {
  const upstream = await upstreamOf(t, 0);
  const { url } = await start(t, [[upstream]], [1]);
  const quoted = JSON.stringify(ALIAS);
  const bodies = [
    `{"model":${quoted},"messages":[],"prompt":"x"}`,
    `\n{ "n" : 1.50 , "model" :\t${quoted}  ,"messages":[{"role":"user","content":"漢字 \\"model\\":\\"no\\""}], "x":{"model":"inner"} }\r\n`,
    `{"messages":[],"\\u006dodel":"\\u0061lias \\"with\\" \\u00fc"}`,
  ];
  for (const surface of SURFACES) {
    for (const body of bodies) {
      const answer = await call(t, url, { path: surface.path, body });
      t.match(answer, { status: 200, body: Buffer.from('{"model":"upstream-0"}') });
      const wanted = body.includes(quoted) ? body.replace(quoted, '"upstream-0"') : body.replace('"\\u0061lias \\"with\\" \\u00fc"', '"upstream-0"');
      t.equal(upstream.requests.at(-1)?.body.toString(), wanted);
    }
  }
});

test('a body without a model gets the name that the target knows', async (t) => {
  const upstream = await upstreamOf(t, 0);
  const { url } = await start(t, [[upstream]], [1]);
  for (const body of ['{"messages":[]}', '{}', '{"model":"","messages":[]}', '{"model":null}']) {
    t.equal((await call(t, url, { path: '/v1/completions', body })).status, 200);
    const sent = upstream.requests.at(-1)?.body.toString() ?? '';
    t.same(JSON.parse(sent), { ...(JSON.parse(body) as object), model: 'upstream-0' }, sent);
  }
});

test('conversations are spread over the targets by weight, and each stays on its own', async (t) => {
  const upstreams = [await upstreamOf(t, 0), await upstreamOf(t, 1)];
  const { url } = await start(t, upstreams.map((upstream) => [upstream]), [75, 25]);
  const conversations = 120;
  const places: number[] = [];
  for (let i = 0; i < conversations; i += 1) {
    const messages = [{ role: 'system', content: 'the same for all' }, { role: 'user', content: `question ${i}` }];
    const went = new Set<string>();
    for (let round = 0; round < 3; round += 1) {
      const answer = await call(t, url, { path: '/v1/chat/completions', body: json({ model: ALIAS, messages }) });
      went.add(answer.body.toString());
      messages.push({ role: 'assistant', content: `answer ${round}` }, { role: 'user', content: `more ${round}` });
    }
    if (went.size !== 1) t.fail(`conversation ${i} went to ${[...went].join(' and ')}`);
    places.push([...went][0]!.includes('upstream-0') ? 0 : 1);
  }
  const first = places.filter((place) => place === 0).length / conversations;
  t.ok(first > 0.6 && first < 0.9, `${first} of them on the target with three quarters of the weight`);
});

test('a retry changes the endpoint and keeps the target', async (t) => {
  let requests = 0;
  const breakFirst = (i: number) => ({ socket }: RawRequest) => {
    if (requests++ === 0) socket.resetAndDestroy();
    else socket.write(sized(200, `{"model":"upstream-${i}"}`));
  };
  for (let question = 0; question < 6; question += 1) {
    requests = 0;
    const pools = [
      [await upstreamOf(t, 0, breakFirst(0)), await upstreamOf(t, 0, breakFirst(0))],
      [await upstreamOf(t, 1, breakFirst(1)), await upstreamOf(t, 1, breakFirst(1))],
    ];
    const { url } = await start(t, pools);
    const answer = await call(t, url, { path: '/v1/chat/completions', body: json({ model: ALIAS, messages: [{ role: 'user', content: `question ${question}` }] }) });
    t.equal(answer.status, 200);
    t.same(pools.map((endpoints) => endpoints.reduce((sum, endpoint) => sum + endpoint.requests.length, 0)).toSorted(), [0, 2]);
    t.same(new Set(pools.flat().flatMap((endpoint) => endpoint.requests.map(({ body }) => body.toString()))).size, 1, 'the same name both times');
  }
});

test('a target of no weight gets nothing, and a model that is not configured is a 404', async (t) => {
  const upstreams = [await upstreamOf(t, 0), await upstreamOf(t, 1)];
  const { url } = await start(t, upstreams.map((upstream) => [upstream]), [0, 1]);
  for (let i = 0; i < 20; i += 1) await call(t, url, { path: '/v1/chat/completions', body: json({ model: ALIAS, messages: [{ role: 'user', content: `${i}` }] }) });
  t.same(upstreams.map(({ requests }) => requests.length), [0, 20]);
  t.equal((await call(t, url, { path: '/v1/chat/completions', body: json({ model: 'upstream-1', messages: [] }) })).status, 404);
});

test('a stream through a renamed model is relayed as it is', async (t) => {
  const whole = 'data: {"model":"upstream-0","choices":[{"delta":{"content":"x"}}]}\n\ndata: [DONE]\n\n';
  const upstream = await upstreamOf(t, 0, ({ socket }) => void socket.write(STREAM_HEAD + chunk(whole).toString() + LAST_CHUNK));
  const { url } = await start(t, [[upstream]], [1]);
  const answer = await call(t, url, { path: '/v1/chat/completions', body: json({ model: ALIAS, messages: [], stream: true }) });
  t.match(answer, { status: 200, whole: true, body: Buffer.from(whole) });
});
