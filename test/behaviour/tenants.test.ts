// Whose prompts may meet: with `tenants: isolate` only those of one tenant, at the engine and in the estimate.

import { test, type Test } from 'tap';
import { startSimulator } from '../../bench/simulator/simulator.ts';
import type { RequestRecord } from '../../src/core/record.ts';
import { startForwardingServer } from '../support/forwarding-server.ts';
import { sized, startRawUpstream } from '../support/raw-upstream.ts';
import { CHAT, SURFACES, type SurfaceCase } from '../support/surfaces.ts';

const TEXT = 'The same long text for everybody, of which the engine holds whole blocks. '.repeat(20);

/** Sends a body as somebody of this tenant, and gives the record of the request. */
type Send = (tenant: string, surface: SurfaceCase, body: string) => Promise<RequestRecord>;

async function startTenants(t: Test, url: string, prefix: object): Promise<{ readonly send: Send }> {
  const server = await startForwardingServer(t, { endpoints: [url], prefix });
  return {
    async send(tenant, surface, body) {
      const { status, headers, text, record } = await server.send(tenant, surface, body);
      t.equal(status, 200, text);
      t.strictSame([...headers.keys()].filter((name) => /match|cache|ratio|endpoint|tenant|salt/.test(name)), [], 'headers tell nothing of the cache');
      return record;
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

test('with a share of the endpoints for each tenant, all that one sends goes to its own, and without one to all', async (t) => {
  const upstreams = await Promise.all(['a', 'b'].map(() => startRawUpstream(t, ({ socket }) => void socket.write(sized(200, '{}')))));
  const used = async (ratio: number): Promise<Set<string>> => {
    const server = await startForwardingServer(t, { endpoints: upstreams.map(({ url }) => url), prefix: { tenant_endpoints_ratio: ratio } });
    const records = [];
    for (let i = 0; i < 20; i += 1) records.push((await server.send('one', CHAT, CHAT.body(`${i} ${TEXT}`, false))).record);
    return new Set(records.map(({ endpoint }) => endpoint));
  };
  t.equal((await used(0.5)).size, 1);
  t.equal((await used(1)).size, 2);
});
