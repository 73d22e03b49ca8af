// Whose prompts may meet: with `tenants: isolate` only those of one tenant, at the engine and in the estimate.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { test, type Test } from 'tap';
import { startSimulator } from '../../bench/simulator/simulator.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { RequestRecord } from '../../src/core/record.ts';
import { createParts } from '../../src/parts.ts';
import { forward } from '../../src/proxy/forward.ts';
import { sized, startRawUpstream } from '../support/raw-upstream.ts';
import { CHAT, SURFACES, type SurfaceCase } from '../support/surfaces.ts';
import { eventually, fileOf } from '../support/test-router.ts';

const TEXT = 'The same long text for everybody, of which the engine holds whole blocks. '.repeat(20);

interface Tenants {
  readonly records: RequestRecord[];
  /** Sends a body as somebody of this tenant, and gives the record of the request. */
  send(tenant: string, surface: SurfaceCase, body: string): Promise<RequestRecord>;
}

/** Everything but the listener: who sends what is said by the test. */
async function startTenants(t: Test, url: string, prefix: object): Promise<Tenants> {
  const loaded = loadConfig({ path: 'w.yaml', env: {}, readFile: () => fileOf({ endpoints: [url], prefix }) });
  if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.problems));
  const parts = createParts({ config: loaded.config, version: '0', logDestination: { write() {} } });
  t.teardown(() => parts.closeConnections());
  await eventually(() => parts.pools.readiness().ready);
  const records: RequestRecord[] = [];
  const deps = { ...parts.forward, observer: { ...parts.forward.observer, ended: (record: RequestRecord) => void records.push(record) } };
  const server = createServer(async (request, response) => {
    const tenant = String(request.headers['x-test-tenant']);
    void forward(deps, { surface: String(request.headers['x-test-surface']) as 'chat', listener: 'prefix', forwardedBy: undefined, identity: { client: tenant, tenant }, request, response, body: await buffer(request) });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  return {
    records,
    async send(tenant, surface, body) {
      const count = records.length;
      const headers = { 'content-type': 'application/json', 'x-test-tenant': tenant, 'x-test-surface': surface.name };
      const answer = await fetch(`http://127.0.0.1:${port}${surface.path}`, { method: 'POST', headers, body });
      const text = await answer.text();
      t.equal(answer.status, 200, text);
      const told = [...answer.headers.keys()].filter((name) => /match|cache|ratio|endpoint|tenant|salt/.test(name));
      t.strictSame(told, [], 'headers tell nothing of the cache');
      await eventually(() => records.length > count);
      return records.at(-1) as RequestRecord;
    },
  };
}

const SECRET = 'a-secret-of-the-router';
const bodyOf = (surface: SurfaceCase, more: object = {}): string => JSON.stringify({ ...(JSON.parse(surface.body(TEXT, false)) as object), model: '/model/qwen', max_tokens: 4, ...more });

for (const surface of SURFACES) {
  test(`${surface.name}: kept apart, the same prompt of another tenant hits nothing and is predicted nothing, that of the same tenant hits`, async (t) => {
    const simulator = await startSimulator({ timeScale: 0 });
    t.teardown(() => simulator.close());
    const { send } = await startTenants(t, simulator.url, { tenants: 'isolate', tenant_secret: SECRET });
    const cached = () => simulator.state().requests.at(-1)?.cachedTokens ?? -1;
    await send('one', surface, bodyOf(surface));
    const again = await send('one', surface, bodyOf(surface));
    t.ok(again.matchRatio === 1 && again.predictedCachedTokens > 0);
    t.ok(cached() > 0, 'the same tenant');
    const other = await send('two', surface, bodyOf(surface));
    t.match(other, { matchRatio: 0, predictedCachedTokens: 0 });
    t.equal(cached(), 0, 'another tenant');
    const salted = await send('two', surface, bodyOf(surface, { cache_salt: 'mine' }));
    t.match(salted, { matchRatio: 0, predictedCachedTokens: 0 });
    t.equal(cached(), 0, 'its own salt');
    t.ok((await send('two', surface, bodyOf(surface, { cache_salt: 'mine' }))).matchRatio === 1);
    t.ok(cached() > 0, 'the same salt');
  });

  test(`${surface.name}: kept apart, no salt of a client reaches the engine, and every other byte does`, async (t) => {
    const upstream = await startRawUpstream(t, ({ socket }) => void socket.write(sized(200, '{}')));
    const { send } = await startTenants(t, upstream.url, { tenants: 'isolate', tenant_secret: SECRET });
    const plain = surface.body('hello', false);
    const [, rest] = [plain[0], plain.slice(1)];
    for (const body of [plain, `{"cache_salt":"x",${rest}`, `{"cache_salt":"x","cache_\\u0073alt":null,${rest}`, `{ "cache_salt" : 7 , ${rest}`]) await send('one', surface, body);
    const sent = upstream.requests.map(({ body }) => body.toString());
    const [salt] = /[0-9a-f]{64}/.exec(sent[0] ?? '') ?? [];
    t.equal(sent[0], `{"cache_salt":"${salt}",${rest}`);
    t.match(sent[1], new RegExp(`^\\{"cache_salt":"(?!${salt})[0-9a-f]{64}",`));
    t.match(sent[2], /^\{"cache_salt":"([0-9a-f]{64})","cache_\\u0073alt":"\1",/);
    t.match(sent[3], /^\{ "cache_salt" : "[0-9a-f]{64}" , /);
    for (const body of sent) t.ok(body.endsWith(rest));
  });
}

test('not kept apart, tenants share what the engine holds, and a salt of the client parts its prompts', async (t) => {
  const simulator = await startSimulator({ timeScale: 0 });
  t.teardown(() => simulator.close());
  const { send } = await startTenants(t, simulator.url, { tenants: 'pass', tenant_secret: SECRET });
  const cached = () => simulator.state().requests.at(-1)?.cachedTokens ?? -1;
  await send('one', CHAT, bodyOf(CHAT));
  t.ok((await send('two', CHAT, bodyOf(CHAT))).matchRatio === 1);
  t.ok(cached() > 0);
  t.equal((await send('two', CHAT, bodyOf(CHAT, { cache_salt: 'mine' }))).matchRatio, 0);
  t.equal(cached(), 0);
});
