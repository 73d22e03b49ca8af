// An answer that an engine keeps lives in that engine alone, so whoever names it is sent there.

import { test, type Test } from 'tap';
import { call, openConnection, requestBytes } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, sized, startRawUpstream, STREAM_HEAD, type RawRequest, type RawUpstream } from '../support/raw-upstream.ts';
import { startTestRouter, type TestRouter } from '../support/test-router.ts';

const ENDPOINTS = 4;

async function start(t: Test): Promise<{ router: TestRouter; upstreams: readonly RawUpstream[] }> {
  let given = 0;
  const onRequest = ({ body, socket }: RawRequest): void => {
    const id = `resp_${(given += 1)}`;
    if (!body.toString().includes('"stream":true')) {
      socket.write(sized(200, `{"id":"${id}","object":"response"}`));
      return;
    }
    const created = `event: response.created\ndata: {"type":"response.created","response":{"id":"${id}"}}\n\n`;
    const delta = 'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"x"}\n\n';
    const completed = `event: response.completed\ndata: {"type":"response.completed","response":{"id":"${id}"}}\n\n`;
    socket.write(STREAM_HEAD + chunk(created + delta + completed).toString() + LAST_CHUNK);
  };
  const upstreams = await Promise.all(Array.from({ length: ENDPOINTS }, () => startRawUpstream(t, onRequest)));
  return { router: await startTestRouter(t, { endpoints: upstreams.map(({ url }) => url) }), upstreams };
}

/** Where a request with this path or body fragment went. */
function placeOf(upstreams: readonly RawUpstream[], wanted: (request: RawRequest) => boolean): number {
  return upstreams.findIndex(({ requests }) => requests.some(wanted));
}

for (const stream of [false, true]) {
  test(`what names a stored answer goes to the endpoint that gave it, ${stream ? 'after a stream' : 'after an answer that is no stream'}`, async (t) => {
    const { router, upstreams } = await start(t);
    for (let i = 0; i < 12; i += 1) {
      const first = await call(t, router.baselineUrl, { path: '/v1/responses', body: JSON.stringify({ model: 'm', input: `first ${i}`, stream }) });
      const [, id = ''] = /"id":"(resp_\d+)"/.exec(first.body.toString()) ?? [];
      const place = placeOf(upstreams, ({ body }) => body.includes(`"first ${i}"`));
      await call(t, router.baselineUrl, { path: '/v1/responses', body: JSON.stringify({ model: 'm', input: `next ${i}`, previous_response_id: id }) });
      t.equal(placeOf(upstreams, ({ body }) => body.includes(`"next ${i}"`)), place, `${id} continued`);
      t.equal((await call(t, router.url, { method: 'GET', path: `/v1/responses/${id}?include=x` })).status, 200);
      t.equal(placeOf(upstreams, ({ method, path }) => method === 'GET' && path === `/v1/responses/${id}?include=x`), place, `${id} asked for`);
      t.equal((await call(t, router.url, { path: `/v1/responses/${id}/cancel` })).status, 200);
      t.equal(placeOf(upstreams, ({ method, path }) => method === 'POST' && path === `/v1/responses/${id}/cancel`), place, `${id} cancelled`);
    }
    t.ok(upstreams.filter(({ requests }) => requests.length > 0).length > 1, 'not all in one place anyway');
  });
}

test('an id that nobody here gave is asked of some endpoint, which knows best', async (t) => {
  const { router, upstreams } = await start(t);
  t.equal((await call(t, router.url, { method: 'GET', path: '/v1/responses/resp_of_another_time' })).status, 200);
  t.equal(upstreams.flatMap(({ requests }) => requests).length, 1);
});

test('when the endpoint that gave it is gone, the request goes where it can', async (t) => {
  const { router, upstreams } = await start(t);
  const first = await call(t, router.url, { path: '/v1/responses', body: '{"model":"m","input":"first"}' });
  const [, id = ''] = /"id":"(resp_\d+)"/.exec(first.body.toString()) ?? [];
  await upstreams[placeOf(upstreams, () => true)]?.close();
  const next = await call(t, router.url, { path: '/v1/responses', body: JSON.stringify({ model: 'm', input: 'next', previous_response_id: id }) });
  t.equal(next.status, 200);
});

test('a stream that is under way can be cancelled where it is', async (t) => {
  let given = 0;
  const upstreams = await Promise.all(
    Array.from({ length: ENDPOINTS }, () =>
      startRawUpstream(t, ({ path, socket }) => {
        const id = `resp_${(given += 1)}`;
        const begun = `event: response.created\ndata: {"response":{"id":"${id}"}}\n\nevent: response.output_text.delta\ndata: {"delta":"x"}\n\n`;
        socket.write(path === '/v1/responses' ? STREAM_HEAD + chunk(begun).toString() : sized(200, '{}'));
      }),
    ),
  );
  const { baselineUrl } = await startTestRouter(t, { endpoints: upstreams.map(({ url }) => url) });
  for (let i = 0; i < 8; i += 1) {
    const client = await openConnection(t, baselineUrl);
    client.socket.write(requestBytes({ path: '/v1/responses', body: JSON.stringify({ model: 'm', input: `first ${i}`, stream: true }) }));
    await client.until((bytes) => bytes.includes('"delta":"x"'));
    const [, id = ''] = /"id":"(resp_\d+)"/.exec(client.received().toString()) ?? [];
    await call(t, baselineUrl, { path: `/v1/responses/${id}/cancel` });
    t.equal(placeOf(upstreams, ({ path }) => path === `/v1/responses/${id}/cancel`), placeOf(upstreams, ({ body }) => body.includes(`"first ${i}"`)), id);
  }
});
