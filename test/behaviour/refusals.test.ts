// What the router refuses by itself, in the shape of the API that the client speaks.

import { test } from 'tap';
import { call, header, openConnection, requestBytes } from '../support/raw-client.ts';
import { sized, startRawUpstream, type RawRequest } from '../support/raw-upstream.ts';
import { CHAT, SURFACES, type SurfaceCase } from '../support/surfaces.ts';
import { startTestRouter } from '../support/test-router.ts';

const MIB = 1024 * 1024;
const ok = ({ socket }: RawRequest): void => void socket.write(sized(200, '{}'));

/** An error body in the shape of the surface's API. `type` is OpenAI's and Anthropic's alike. */
function shape(surface: SurfaceCase, type: string, param: string | null, message: RegExp | StringConstructor = String): object {
  return surface.name === 'messages' ? { type: 'error', error: { type, message } } : { error: { message, type, param } };
}

for (const surface of SURFACES) {
  test(`${surface.name}: a body that is no JSON object, and a model that is no string, are 400 and name what is wrong`, async (t) => {
    const upstream = await startRawUpstream(t, ok);
    const { url, metric } = await startTestRouter(t, { endpoints: [upstream.url] });
    const invalid = ['', '{', '{"model":"m",}', 'null', '[]', '"text"', '7', '{"model":"m"} x', '\u00ff{}', '{"model":"m","messages":[{"role":'];
    for (const body of invalid) {
      const answer = await call(t, url, { path: surface.path, body });
      t.equal(answer.status, 400, JSON.stringify(body));
      t.match(JSON.parse(answer.body.toString()), shape(surface, 'invalid_request_error', null));
    }
    const models = ['7', 'true', '["m"]', '{"a":1}', '1.5', '"m","model":"m"'];
    for (const model of models) {
      const answer = await call(t, url, { path: surface.path, body: `{"model":${model},"messages":[]}` });
      t.equal(answer.status, 400, model);
      t.match(JSON.parse(answer.body.toString()), shape(surface, 'invalid_request_error', 'model', /model/));
      t.match(header(answer, 'x-request-id'), /./);
    }
    const tooMuch = [`{"x":${'['.repeat(1e6)}`, `{"x":[${'[],'.repeat(1e6)}0]}`, `{"x":${'1'.repeat(1e6)}}`];
    for (const body of tooMuch) {
      const answer = await call(t, url, { path: surface.path, body });
      t.equal(answer.status, 400, body.slice(0, 9));
      t.match(JSON.parse(answer.body.toString()), shape(surface, 'invalid_request_error', null, /, at byte \d+$/));
    }
    t.same(upstream.requests, []);
    t.equal(await metric('warmroute_requests_total', { outcome: 'error', code: '400' }), invalid.length + models.length + tooMuch.length);
  });

  test(`${surface.name}: a model that nobody serves is a 404 that names it`, async (t) => {
    const upstream = await startRawUpstream(t, ok);
    const { url } = await startTestRouter(t, { endpoints: [upstream.url] });
    const answer = await call(t, url, { path: surface.path, body: surface.body('x', true).replace('"m"', '"nobody\'s"') });
    t.equal(answer.status, 404);
    t.match(JSON.parse(answer.body.toString()), shape(surface, 'not_found_error', 'model', /nobody's/));
    t.same(upstream.requests, []);
  });

  test(`${surface.name}: a body over the limit is a 413, sized or in chunks, and one at the limit goes on`, async (t) => {
    const upstream = await startRawUpstream(t, ok);
    const { url, metric } = await startTestRouter(t, { endpoints: [upstream.url], admission: { body_bytes_max: 1000 } });
    const empty = surface.body('', false).length;
    const [at, over] = [surface.body('x'.repeat(1000 - empty), false), surface.body('x'.repeat(1001 - empty), false)];
    const inChunks = (body: string): string => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    for (const [headers, wrap] of [[[], (body: string) => body], [['transfer-encoding: chunked'], inChunks]] as const) {
      t.equal((await call(t, url, { path: surface.path, headers, body: wrap(at) })).status, 200);
      const answer = await call(t, url, { path: surface.path, headers, body: wrap(over) });
      t.equal(answer.status, 413);
      t.match(JSON.parse(answer.body.toString()), shape(surface, surface.name === 'messages' ? 'request_too_large' : 'invalid_request_error', null, /1000/));
    }
    t.equal(upstream.requests.length, 2);
    t.equal(await metric('warmroute_requests_total', { outcome: 'error', code: '413' }), 2, 'a request that was not read is counted');
  });
}

test('a model that is missing, empty or null means the only base model, and is a 400 when there are two', async (t) => {
  const one = await startRawUpstream(t, ok);
  const two = await startRawUpstream(t, ok, { models: ['m', 'n'] });
  const only = await startTestRouter(t, { endpoints: [one.url] });
  const several = await startTestRouter(t, { endpoints: [two.url] });
  for (const body of ['{"messages":[]}', '{"model":"","messages":[]}', '{"model":null,"messages":[]}']) {
    t.equal((await call(t, only.url, { path: CHAT.path, body })).status, 200, body);
    t.equal(one.requests.at(-1)?.body.toString(), body, 'nothing is filled in');
    const answer = await call(t, several.url, { path: CHAT.path, body });
    t.equal(answer.status, 400, body);
    t.match(JSON.parse(answer.body.toString()), { error: { param: 'model', code: 'model_required', type: 'invalid_request_error' } });
  }
  t.same(two.requests, []);
});

test('an unknown model is a 503 that says when to come back while an endpoint has not reported what it serves', async (t) => {
  const upstream = await startRawUpstream(t, ok);
  const closed = await startRawUpstream(t, ok);
  await closed.close();
  const { url, endpoints } = await startTestRouter(t, { endpoints: [upstream.url, closed.url] });
  t.match((await endpoints()).map(({ available }) => available).toSorted(), [false, true]);
  const answer = await call(t, url, { path: CHAT.path, body: '{"model":"late","messages":[]}' });
  t.equal(answer.status, 503);
  t.match(header(answer, 'retry-after'), /^[1-9]\d*$/);
  t.match(JSON.parse(answer.body.toString()), { error: { code: 'model_not_ready' } });
  t.equal((await call(t, url, { path: CHAT.path, body: '{"model":"m","messages":[]}' })).status, 200, 'a known one is served all the same');
});

test('a body of 32 MiB is let in by default, and one byte more is not', async (t) => {
  const upstream = await startRawUpstream(t, ok);
  const { url } = await startTestRouter(t, { endpoints: [upstream.url] });
  const empty = CHAT.body('', false).length;
  const full = CHAT.body('x'.repeat(32 * MIB - empty), false);
  t.equal((await call(t, url, { path: CHAT.path, body: full })).status, 200);
  t.ok((await upstream.request(0)).body.equals(Buffer.from(full)));
  const answer = await call(t, url, { path: CHAT.path, headers: [`content-length: ${32 * MIB + 1}`], body: '{' });
  t.equal(answer.status, 413);
});

test('a surface routed by load refuses a body over the limit with 413, before or while it is sent on', async (t) => {
  const upstream = await startRawUpstream(t, ok);
  const { url, endpoints } = await startTestRouter(t, { endpoints: [upstream.url], admission: { body_bytes_max: 1000 } });
  t.equal((await call(t, url, { path: '/tokenize', body: 'x'.repeat(1000) })).status, 200);
  t.equal((await call(t, url, { path: '/tokenize', headers: ['content-length: 1001'], body: '' })).status, 413);
  const chunked = `3e8\r\n${'x'.repeat(1000)}\r\n1\r\nx\r\n0\r\n\r\n`;
  const answer = await call(t, url, { path: '/tokenize', headers: ['transfer-encoding: chunked'], body: chunked });
  t.equal(answer.status, 413);
  t.match(JSON.parse(answer.body.toString()), { error: { code: 'body_too_large' } });
  t.equal(upstream.requests.length, 1);
  t.match(await endpoints(), [{ available: true, in_flight: 0 }]);
});

test('requests over the limit of the whole router, without room to wait, are shed with 503', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const { url, metric } = await startTestRouter(t, { endpoints: [upstream.url], admission: { in_flight_max: 2, queue_length_max: 0 } });
  for (let i = 0; i < 2; i += 1) (await openConnection(t, url)).socket.write(requestBytes({ path: CHAT.path, body: CHAT.body(`${i}`, true) }));
  await upstream.request(1);
  for (const path of [CHAT.path, '/tokenize']) {
    const answer = await call(t, url, { path, body: CHAT.body('x', true) });
    t.equal(answer.status, 503);
    t.match(header(answer, 'retry-after'), /^[1-9]\d*$/);
    t.equal(header(answer, 'x-should-retry'), 'true');
  }
  t.equal(await metric('warmroute_shed_total', { reason: 'overloaded' }), 2);
});
