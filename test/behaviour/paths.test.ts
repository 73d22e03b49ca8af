// What exists is decided by the exact bytes of the path. No disguise reaches an endpoint.

import { test } from 'tap';
import { call } from '../support/raw-client.ts';
import { sized, startRawUpstream } from '../support/raw-upstream.ts';
import { startTestRouter } from '../support/test-router.ts';

const DISGUISES = [
  '/v1/responses/:id',
  '/v1/responses/:id/cancel',
  '//v1/chat/completions',
  '/v1//chat/completions',
  '/v1/chat//completions',
  '/./v1/chat/completions',
  '/v1/./chat/completions',
  '/v1/chat/../chat/completions',
  '/x/../v1/chat/completions',
  '/v1/%63hat/completions',
  '/v1%2fchat/completions',
  '/v1%2Fchat%2Fcompletions',
  '/v1/chat/%2e/completions',
  '/v1/chat%2fcompletions',
  '/v1/chat/completions/',
  '/v1/chat/completions.',
  '/v1/chat/completions%20',
  '/v1/chat/completions%00',
  '/v1/chat/completions%0a',
  '/v1/chat/completions;x=1',
  '/v1;x/chat/completions',
  '/v1\\chat\\completions',
  '\\v1\\chat\\completions',
  '/v1/chat/completions..',
  '/v1/chat/completions;',
  '/v1/load_lora_adapter/../chat/completions',
  '/v1/chat/completions/../../load_lora_adapter',
  '/v1/chat/completions%23x',
  '/v1/chat/completions%3fx',
  '/v1/chat/completions\\',
  '/v1%252fchat%252fcompletions',
  '/%2576%2531/chat/completions',
  '/%76%31/chat/completions',
  '/%c0%af/v1/chat/completions',
  '/v1/chat/%zz/completions',
  'HTTP://router/v1/chat/completions',
  'https://router:443/tokenize',
  '/V1/Chat/Completions',
  '/v1/chat/COMPLETIONS',
  '/v1/%2563hat/completions',
  '/v1/chat/completions#x',
  '/v1/chat/completion',
  '/v1/chat/completionss',
  '/v1/chat',
  '/chat/completions',
  'http://router/v1/chat/completions',
  'http://elsewhere/v1/chat/completions',
  '/v1/embeddings/',
  '/v1/%65mbeddings',
  '/TOKENIZE',
  '/tokenize/',
  '/%74okenize',
  '/v1/responses/',
  '/v1/responses/resp_1/',
  '/v1/responses/resp%5f1',
  '/v1/responses/resp_1/cancel/',
  '/v1/responses/../embeddings',
  '/v1/responses/%2e%2e%2fmetrics',
  `/v1/responses/${'a'.repeat(200)}`,
  '/v1/messages/count_tokens/',
  '/v1/models/',
  '/Health',
] as const;

/** What vLLM serves and a client must not reach, some of it without a key. */
const DANGEROUS = [
  '/invocations', '/pooling', '/classify', '/detokenize', '/pause', '/resume', '/load', '/version', '/metrics', '/server_info', '/reset_prefix_cache', '/sleep', '/wake_up', '/collective_rpc',
  '/scale_elastic_ep', '/update_weights', '/abort_requests', '/start_profile', '/stop_profile', '/init_weight_transfer_engine', '/reset_mm_cache', '/reset_encoder_cache', '/is_sleeping', '/v1/load_lora_adapter', '/v1/unload_lora_adapter', '/live', '/ready', '/endpoints', '/', '/v1', '*',
] as const;

test('a path that is not exactly one that exists is a 404, by any method, and no endpoint hears of it', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => socket.write(sized(200, '{}')));
  const { url } = await startTestRouter(t, { endpoints: [upstream.url] });
  for (const path of [...DISGUISES, ...DANGEROUS]) {
    for (const method of ['POST', 'GET']) {
      const answer = await call(t, url, { method, path, body: method === 'POST' ? '{"model":"m","messages":[]}' : '' });
      t.ok(answer.status === 404 || (answer.status === 400 && /[#\\*]/.test(path)), `${method} ${path.slice(0, 60)}: ${answer.status}`);
      if (answer.status === 404) t.match(JSON.parse(answer.body.toString()), { error: path.startsWith('/v1/messages') ? { type: 'not_found_error' } : { message: String, code: 'not_found' } });
    }
  }
  t.same(upstream.requests, []);
});

test('a path that exists, by a method that it does not have, is a 405, and no endpoint hears of it', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => socket.write(sized(200, '{}')));
  const { url } = await startTestRouter(t, { endpoints: [upstream.url] });
  const cases = [['GET', '/v1/chat/completions'], ['PUT', '/v1/completions'], ['DELETE', '/v1/responses/resp_1'], ['GET', '/tokenize'], ['POST', '/v1/models'], ['PATCH', '/v1/messages'], ['OPTIONS', '/v1/embeddings'], ['GET', '/v1/responses/resp_1/cancel'], ['POST', '/v1/responses/resp_1']];
  for (const [method = '', path = ''] of cases) {
    const answer = await call(t, url, { method, path });
    t.equal(answer.status, 405, `${method} ${path}`);
    t.match(JSON.parse(answer.body.toString()), path === '/v1/messages' ? { type: 'error', error: { type: 'invalid_request_error' } } : { error: { code: 'method_not_allowed' } });
  }
  t.same(upstream.requests, []);
});

test('what needs a WebSocket is a 501', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => socket.write(sized(200, '{}')));
  const { url } = await startTestRouter(t, { endpoints: [upstream.url] });
  t.equal((await call(t, url, { method: 'GET', path: '/v1/realtime?model=m' })).status, 501);
  const upgrade = ['connection: Upgrade', 'upgrade: websocket', 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version: 13'];
  const client = await call(t, url, { method: 'GET', path: '/v1/realtime', headers: [...upgrade, 'connection: close'] });
  t.equal(client.status, 501);
  t.same(upstream.requests, []);
});

test('the router answers itself for the models that are served and for its own health', async (t) => {
  const upstreams = [await startRawUpstream(t, () => {}, { models: ['m', 'adapter'] }), await startRawUpstream(t, () => {}, { models: ['other'] })];
  const { url } = await startTestRouter(t, { endpoints: upstreams.map((upstream) => upstream.url) });
  const answer = await call(t, url, { method: 'GET', path: '/v1/models' });
  t.match(JSON.parse(answer.body.toString()), { object: 'list', data: ['adapter', 'm', 'other'].map((id) => ({ id, object: 'model', created: Number, owned_by: 'warmroute' })) });
  t.equal((await call(t, url, { method: 'GET', path: '/health' })).status, 200);
  t.same(upstreams.flatMap(({ requests }) => requests), []);
});
