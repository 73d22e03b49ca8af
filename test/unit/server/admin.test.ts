import { once } from 'node:events';
import { connect } from 'node:net';

import { test } from 'tap';
import type { Test } from 'tap';

import { createAdmin } from '../../../src/server/admin.ts';
import type { AdminOptions } from '../../../src/server/admin.ts';
import { sampleModel, sampleStatus } from '../observe/sample-record.ts';

const unchanging: Pick<AdminOptions, 'config' | 'reload' | 'setDrained' | 'choices' | 'page'> = {
  config: () => ({ loadedAt: new Date(0), source: 'w.yaml', lastReload: undefined }),
  reload: async () => ({ result: 'ok' }),
  setDrained: () => undefined,
  choices: {
    choices: { latest: 0, read: () => undefined, isOver: () => true },
    clock: () => 0,
    listeners: () => ['prefix'],
    bodyBytesMax: () => 1024,
    explain: () => {
      throw new Error('nothing can be explained here');
    },
  },
  page: { listeners: () => [], lastMinute: { ofListener: () => undefined, ofEndpoint: () => undefined } },
};

const ELSEWHERE: AdminOptions['access'] = () => ({ onLoopback: false, tokenSha256: undefined });

async function listen(t: Test, options: Partial<AdminOptions> = {}): Promise<string> {
  const admin = createAdmin({
    version: '1.2.3',
    access: () => ({ onLoopback: true, tokenSha256: undefined }),
    ready: () => ({ ready: true, reasons: [] }),
    statuses: () => [],
    models: () => [],
    waiting: () => 0,
    metricsText: async () => 'some_total 1\n',
    metricsContentType: 'text/plain; version=0.0.4; charset=utf-8',
    ...unchanging,
    unexpected: (error) => t.fail('unexpected', { error }),
    ...options,
  });
  t.teardown(() => admin.close());
  return admin.listen({ host: '127.0.0.1', port: 0 });
}

test('a process that runs is alive, ready or not', async (t) => {
  const url = await listen(t, { ready: () => ({ ready: false, reasons: ['draining'] }) });
  const answer = await fetch(`${url}/live`);
  t.equal(answer.status, 200);
  t.strictSame(await answer.json(), { live: true });
});

test('ready says which pool waits for what until none does', async (t) => {
  let readiness = { ready: false, reasons: ['pool default: no healthy endpoint'] };
  const url = await listen(t, { ready: () => readiness });
  const waiting = await fetch(`${url}/ready`);
  t.equal(waiting.status, 503);
  t.strictSame(await waiting.json(), { ready: false, reasons: ['pool default: no healthy endpoint'] });

  readiness = { ready: true, reasons: [] };
  const ready = await fetch(`${url}/ready`);
  t.equal(ready.status, 200);
  t.strictSame(await ready.json(), { ready: true, reasons: [] });
  t.equal(ready.headers.get('cache-control'), 'no-store');
});

test('metrics come as text with the content type of their format', async (t) => {
  const url = await listen(t);
  const answer = await fetch(`${url}/metrics`);
  t.equal(answer.status, 200);
  t.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  t.equal(await answer.text(), 'some_total 1\n');
});

test('endpoints show their live state under snake_case keys', async (t) => {
  const statuses = [
    sampleStatus(),
    sampleStatus({ id: '10.0.0.12:8000', available: false, unavailableBecause: 'unhealthy', models: [], inFlight: 1, load: undefined }),
  ];
  const url = await listen(t, { statuses: () => statuses, models: () => [sampleModel()] });
  const answer = await fetch(`${url}/endpoints`);
  t.strictSame(await answer.json(), {
    version: '1.2.3',
    summary: { endpoints: 2, available: 1, in_flight: 4, waiting: 0 },
    endpoints: [
      {
        id: '10.0.0.11:8000',
        pool: 'default',
        available: true,
        unavailable_because: '',
        draining_by: [],
        models: ['qwen'],
        in_flight: 3,
        queued_prompt_tokens: 1200,
        ejections: 2,
        index: { tokens: 5000, capacity_tokens: 400_000, told_capacity_tokens: 500_000, blocks: 120, bytes: 65_536, forgets: 1, corrections: 3 },
        load: { age_ms: 250, running: 4, waiting: 1, kv_usage: 0.25, block_size: null },
        reported: { answers: 5, prompt_tokens: 900, predicted_cached_tokens: 640, cached_tokens: 600, error_tokens: 48, error_ratio: 0.0533, recent_error_ratio: 0.0625 },
      },
      {
        id: '10.0.0.12:8000',
        pool: 'default',
        available: false,
        unavailable_because: 'unhealthy',
        draining_by: [],
        models: [],
        in_flight: 1,
        queued_prompt_tokens: 1200,
        ejections: 2,
        index: { tokens: 5000, capacity_tokens: 400_000, told_capacity_tokens: 500_000, blocks: 120, bytes: 65_536, forgets: 1, corrections: 3 },
        load: null,
        reported: { answers: 5, prompt_tokens: 900, predicted_cached_tokens: 640, cached_tokens: 600, error_tokens: 48, error_ratio: 0.0533, recent_error_ratio: 0.0625 },
      },
    ],
    models: [{ id: 'qwen', bytes_per_token: 3.6, message_tokens: 5, mean_answer_tokens: 128.4, answers_are_reused: true }],
  });
});

test('the configuration is shown by where it came from and what became of the last reload', async (t) => {
  const lastReload = { at: new Date(2000), result: 'failed', problems: ['w.yaml:1:2: pools: is missing, wanted a list'] } as const;
  for (const [last, shown] of [[undefined, null], [lastReload, { at: '1970-01-01T00:00:02.000Z', result: 'failed', problems: lastReload.problems }]] as const) {
    const url = await listen(t, { config: () => ({ loadedAt: new Date(1000), source: 'w.yaml', lastReload: last }) });
    t.strictSame(await (await fetch(`${url}/config`)).json(), { loaded_at: '1970-01-01T00:00:01.000Z', source: 'w.yaml', last_reload: shown });
  }
});

test('a reload answers with what came of it, whatever body asked for it', async (t) => {
  for (const [result, status, body] of [
    [{ result: 'ok' }, 200, { result: 'ok', problems: [] }],
    [{ result: 'failed', problems: ['a', 'b'] }, 422, { result: 'failed', problems: ['a', 'b'] }],
    [{ result: 'refused', why: 'stopping' }, 409, { result: 'refused', problems: ['stopping'] }],
  ] as const) {
    const url = await listen(t, { reload: async () => result });
    for (const request of [{}, { body: 'x', headers: { 'content-type': 'application/x-www-form-urlencoded' } }, { body: '{', headers: { 'content-type': 'application/json' } }]) {
      const answer = await fetch(`${url}/reload`, { method: 'POST', ...request });
      t.equal(answer.status, status);
      t.strictSame(await answer.json(), body);
    }
  }
});

test('an endpoint is drained and undrained by its id, percent-encoded or not', async (t) => {
  const seen: unknown[] = [];
  const setDrained: AdminOptions['setDrained'] = (id, drained) => {
    seen.push([id, drained]);
    return id.endsWith(':8000') ? sampleStatus({ id, drainingBy: drained ? ['admin'] : [] }) : undefined;
  };
  const url = await listen(t, { setDrained });
  const post = (path: string) => fetch(`${url}${path}`, { method: 'POST' });
  const long = `${'a'.repeat(250)}:8000`;
  t.match(await (await post('/endpoints/10.0.0.11:8000/drain')).json(), { id: '10.0.0.11:8000', draining_by: ['admin'] });
  t.match(await (await post('/endpoints/%5Bfd00%3A%3A1%5D%3A8000/undrain')).json(), { id: '[fd00::1]:8000', draining_by: [] });
  t.match(await (await post(`/endpoints/${encodeURIComponent(long)}/drain`)).json(), { id: long });
  const unknown = await post('/endpoints/nowhere:1/drain');
  t.equal(unknown.status, 404);
  t.strictSame(await unknown.json(), { error: 'there is no endpoint nowhere:1' });
  t.strictSame(seen, [['10.0.0.11:8000', true], ['[fd00::1]:8000', false], [long, true], ['nowhere:1', true]]);
});

test('what changes something takes POST alone, and only where nobody else can reach it', async (t) => {
  const refuse = (): never => t.fail('nothing may happen') as never;
  const options: Partial<AdminOptions> = { reload: refuse, setDrained: refuse };
  const [here, everywhere] = [await listen(t, options), await listen(t, { ...options, access: ELSEWHERE, config: refuse })];
  for (const path of ['/reload', '/endpoints/a:1/drain', '/endpoints/a:1/undrain']) {
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
      const answer = await fetch(`${here}${path}`, { method });
      t.equal(answer.status, 405, `${method} ${path}`);
      t.equal(answer.headers.get('allow'), 'POST');
    }
    t.equal((await fetch(`${everywhere}${path}`, { method: 'POST' })).status, 403, path);
  }
  t.equal((await fetch(`${everywhere}/config`)).status, 403);
});

test('anything else is not found, as JSON', async (t) => {
  const url = await listen(t);
  for (const [method, path] of [['GET', '/page/'], ['GET', '/page/index.html'], ['GET', '/page/..%2fpage.ts'], ['POST', '/'], ['POST', '/ready'], ['GET', '/v1/models'], ['GET', '/metrics/']] as const) {
    const answer = await fetch(`${url}${path}`, { method });
    t.equal(answer.status, 404, `${method} ${path}`);
    t.strictSame(await answer.json(), { error: 'not found' });
  }
});

test('a path that cannot be decoded, or a body that is too much, is the caller\'s mistake and not ours', async (t) => {
  const url = await listen(t);
  t.equal((await fetch(`${url}/%zz`)).status, 400);
  const answer = await fetch(`${url}/live`, { method: 'POST', body: 'x'.repeat(4096), headers: { 'content-type': 'application/json' } });
  t.equal(answer.status, 413);
});

test('an answer that cannot be made is a 500 that says nothing, and is reported', async (t) => {
  const errors: unknown[] = [];
  const failure = new Error('secret detail');
  const url = await listen(t, {
    metricsText: () => Promise.reject(failure),
    statuses: () => {
      throw failure;
    },
    unexpected: (error) => errors.push(error),
  });
  for (const path of ['/metrics', '/endpoints']) {
    const answer = await fetch(`${url}${path}`);
    t.equal(answer.status, 500, path);
    t.strictSame(await answer.json(), { error: 'internal error' });
  }
  t.strictSame(errors, [failure, failure]);
});

test('a client that leaves in the middle of a body is no failure of the router', async (t) => {
  const failures: unknown[] = [];
  const url = await listen(t, { unexpected: (error) => failures.push(error) });
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write('POST /explain?path=/v1/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 100\r\nexpect: 100-continue\r\n\r\n');
  // It is told to send its body: so far the request has come.
  await once(socket, 'data');
  socket.write('{"model"');
  socket.destroy();
  await once(socket, 'close');
  t.equal((await fetch(`${url}/live`)).status, 200);
  await new Promise((resolve) => setImmediate(resolve));
  t.strictSame(failures, []);
});

test('a client that sends half a request does not hold up closing', async (t) => {
  const admin = createAdmin({
    version: '1.2.3', access: () => ({ onLoopback: true, tokenSha256: undefined }),
    ready: () => ({ ready: true, reasons: [] }),
    statuses: () => [],
    models: () => [],
    waiting: () => 0,
    metricsText: async () => '',
    metricsContentType: 'text/plain',
    ...unchanging,
    unexpected: () => {},
  });
  const url = await admin.listen({ host: '127.0.0.1', port: 0 });
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write('GET /live HTTP/1.1\r\nhost: a\r\n\r\nGET /live HTTP/1.1\r\n');
  await once(socket, 'data');
  const closed = once(socket, 'close');
  await admin.close();
  await closed;
  t.pass('closed');
});

test('what others can reach shows nothing of the endpoints, but still whether it is ready', async (t) => {
  const url = await listen(t, { access: ELSEWHERE, statuses: () => [sampleStatus()] });
  const answer = await fetch(`${url}/endpoints`);
  t.equal(answer.status, 403);
  t.notMatch(await answer.text(), sampleStatus().id);
  for (const [path, method] of [['/choices', 'GET'], ['/choices/stream', 'GET'], ['/explain', 'POST']] as const) t.equal((await fetch(`${url}${path}`, { method })).status, 403, path);
  t.equal((await fetch(`${url}/ready`)).status, 200);
});
