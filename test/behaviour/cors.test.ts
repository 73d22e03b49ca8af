// Pages of other origins: nothing for them unless the listener names theirs.

import { test } from 'tap';
import { call, header, type Answer } from '../support/raw-client.ts';
import { sized, startRawUpstream } from '../support/raw-upstream.ts';
import { CHAT } from '../support/surfaces.ts';
import { startTestRouter, type TestRouter } from '../support/test-router.ts';

const PAGE = 'https://chat.example.com';
const PATHS = [CHAT.path, '/tokenize'];
const LISTENERS = [
  { name: 'prefix', host: '127.0.0.1', port: 0, cors_origins: [PAGE] },
  { name: 'baseline', host: '127.0.0.1', port: 0 },
];

const corsOf = ({ headers }: Answer): readonly string[] => headers.flatMap(([name, value]) => (name.toLowerCase().startsWith('access-control-') ? [`${name.toLowerCase()}: ${value}`] : []));
const preflight = (origin: string): string[] => [`origin: ${origin}`, 'access-control-request-method: POST', 'access-control-request-headers: authorization, content-type'];

const requests: string[] = [];

async function start(t: Parameters<typeof call>[0]): Promise<TestRouter> {
  requests.length = 0;
  // As vLLM does by itself.
  const upstream = await startRawUpstream(t, ({ socket, method }) => {
    requests.push(method);
    socket.write(sized(200, '{}', ['content-type: application/json', 'access-control-allow-origin: *', 'access-control-allow-credentials: true']));
  });
  return startTestRouter(t, { endpoints: [upstream.url], listeners: LISTENERS });
}

test('a listener without origins has no CORS headers, not even those of an endpoint', async (t) => {
  const { baselineUrl } = await start(t);
  for (const path of PATHS) {
    const answer = await call(t, baselineUrl, { path, headers: [`origin: ${PAGE}`], body: CHAT.body('hello', false) });
    t.match([answer.status, corsOf(answer), header(answer, 'vary')], [200, [], undefined], path);
    const asked = await call(t, baselineUrl, { method: 'OPTIONS', path, headers: preflight(PAGE) });
    t.match([asked.status, corsOf(asked)], [405, []], path);
  }
  t.same(requests, ['POST', 'POST']);
});

test('a page that the listener names may ask and read, answers and errors alike', async (t) => {
  const { url } = await start(t);
  const readable = [`access-control-allow-origin: ${PAGE}`, 'access-control-expose-headers: x-request-id, retry-after'];
  for (const path of PATHS) {
    const asked = await call(t, url, { method: 'OPTIONS', path, headers: preflight(PAGE) });
    t.equal(asked.status, 204);
    t.same(corsOf(asked).toSorted(), [...readable, 'access-control-allow-headers: authorization, content-type', 'access-control-allow-methods: GET, POST', 'access-control-max-age: 600'].toSorted(), path);
    const answer = await call(t, url, { path, headers: [`origin: ${PAGE}`], body: CHAT.body('hello', false) });
    t.match([answer.status, header(answer, 'vary')], [200, 'Origin']);
    t.same(corsOf(answer).toSorted(), readable.toSorted(), path);
  }
  const error = await call(t, url, { path: CHAT.path, headers: [`origin: ${PAGE}`], body: 'no json' });
  t.match([error.status, corsOf(error).toSorted()], [400, readable.toSorted()]);
  t.same(requests, ['POST', 'POST'], 'the question itself is not forwarded');
});

test('any other page may not', async (t) => {
  const { url } = await start(t);
  for (const origin of ['https://evil.example.com', `${PAGE}.evil.com`, 'null', `${PAGE}:444`, 'http://chat.example.com', PAGE.toUpperCase()]) {
    const asked = await call(t, url, { method: 'OPTIONS', path: CHAT.path, headers: preflight(origin) });
    t.match([asked.status, corsOf(asked)], [405, []], origin);
    t.same(corsOf(await call(t, url, { path: CHAT.path, headers: [`origin: ${origin}`], body: CHAT.body('hello', false) })), [], origin);
  }
  t.equal((await call(t, url, { method: 'OPTIONS', path: '/v1/load_lora_adapter', headers: preflight(PAGE) })).status, 404);
});
