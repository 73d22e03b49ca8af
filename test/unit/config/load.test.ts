// load.test.ts: what a good file becomes.
import { test } from 'tap';
import { configFromEnv, readConfig } from '../../../src/config/load.ts';
import { load, loadOk } from './loading.ts';

test('a file with endpoints alone is completed with every default', (t) => {
  const config = loadOk('pools:\n  - endpoints: [http://a:8000]\n');
  t.strictSame(config, {
    version: 1,
    listeners: [
      { name: 'prefix', host: '0.0.0.0', port: 8081, policy: 'prefix-cost', record: true, debugHeaders: false, trustedProxies: [], corsOrigins: [] },
      { name: 'baseline', host: '0.0.0.0', port: 8080, policy: 'least-request', record: true, debugHeaders: false, trustedProxies: [], corsOrigins: [] },
    ],
    admin: { host: '127.0.0.1', port: 9901 },
    clients: [],
    pools: [
      {
        name: 'default',
        endpoints: [{ url: 'http://a:8000' }],
        shared: false,
        byLoad: true,
        usage: 'passive',
        probe: { path: '/health', intervalMs: 2000, timeoutMs: 1000, unhealthyAfter: 2 },
        scrape: { path: '/metrics', intervalMs: 1000 },
        ejection: { errorsInRow: 3, errorRatio: 0.5, requestsMin: 20, windowMs: 10_000, baseMs: 10_000, maxMs: 300_000 },
        panicRatio: 0.5,
        inFlightMax: 1024,
        slowStartMs: 10_000,
      },
    ],
    models: [],
    prefix: { kvCacheTokens: 'auto', bytesPerToken: 4, matchRatioMin: 0.5, tenantEndpointsRatio: 1, tenants: 'pass' },
    timeouts: { connectMs: 5000, firstByteMs: 1_800_000, idleMs: 300_000, clientStallMs: 120_000, totalMs: 3_600_000, clientBodyMs: 300_000 },
    retry: { attemptsMax: 2, budgetRatio: 0.2, budgetMin: 3 },
    admission: { bodyBytesMax: 33_554_432, bodyBytesTotalMax: 1_073_741_824, inFlightMax: 16_384, tenantInFlightRatio: 1, queueLengthMax: 1024, queueBytesMax: 268_435_456, queueWaitMaxMs: 30_000, keepAliveCommentMs: 0 },
    shutdown: { settleMs: 5000, deadlineMs: 3_600_000 },
    log: { level: 'info', sampleRatio: 1 },
  });
  t.end();
});

test('a key that is given changes itself and nothing beside it', (t) => {
  const config = loadOk('pools:\n  - endpoints: [http://a]\n    probe: { interval_ms: 7 }\n');
  t.strictSame(config.pools[0]?.probe, { path: '/health', intervalMs: 7, timeoutMs: 1000, unhealthyAfter: 2 });
  t.end();
});

test('endpoints are origins, whether written as text or as a mapping', (t) => {
  const config = loadOk('pools:\n  - endpoints:\n      - HTTP://A:80/\n      - { url: "https://[::1]:8443", kv_cache_tokens: 400000 }\n      - { url: http://b, kv_cache_tokens: auto }\n');
  t.strictSame(config.pools[0]?.endpoints, [{ url: 'http://a' }, { url: 'https://[::1]:8443', kvCacheTokens: 400_000 }, { url: 'http://b', kvCacheTokens: 'auto' }]);
  t.end();
});

test('a pool found by DNS needs no endpoints, and with SRV no port', (t) => {
  const config = loadOk('pools:\n  - dns: { name: _http._tcp.vllm, type: srv }\n  - { name: b, dns: { name: vllm, port: 8000, scheme: https } }\n');
  t.strictSame(config.pools[0]?.dns, { name: '_http._tcp.vllm', type: 'srv', scheme: 'http', refreshIntervalMs: 5000 });
  t.strictSame(config.pools[1]?.dns, { name: 'vllm', type: 'a+aaaa', port: 8000, scheme: 'https', refreshIntervalMs: 5000 });
  t.strictSame(config.pools[1]?.endpoints, []);
  t.end();
});

test("a target without a model's name has the name that clients use", (t) => {
  const config = loadOk('pools: [{ name: a, endpoints: [http://a] }]\nmodels:\n  - { name: m, targets: [{ pool: a }, { pool: a, model: n, weight: 0 }] }\n');
  t.strictSame(config.models, [
    { name: 'm', criticality: 'standard', targets: [{ pool: 'a', model: 'm', weight: 100 }, { pool: 'a', model: 'n', weight: 0 }] },
  ]);
  t.end();
});

test('an empty value is an absent key, an empty api_key no key', (t) => {
  const config = loadOk('version:\npools:\n  - endpoints: [http://a]\n    probe:\n    api_key: ""\n  - name: b\n    endpoints: [http://b]\n    api_key:\n');
  t.equal(config.version, 1);
  t.equal(config.pools[0]?.probe.intervalMs, 2000);
  t.notOk(config.pools.some((pool) => 'apiKey' in pool));
  t.end();
});

test('port 0 may stand several times', (t) => {
  t.equal(load('pools: [{ endpoints: [http://a] }]\nadmin: { port: 0 }\nlisteners: [{ name: a, port: 0 }, { name: b, port: 0 }]\n').kind, 'ok');
  t.end();
});

test('different addresses may have the same port', (t) => {
  t.equal(load('pools: [{ endpoints: [http://a] }]\nlisteners: [{ name: a, host: 10.0.0.1, port: 9901 }, { name: b, host: 10.0.0.2, port: 9901 }]\n').kind, 'ok');
  t.end();
});

test('an anchor may be used again', (t) => {
  const config = loadOk('pools:\n  - { name: a, endpoints: [http://a], probe: &p { interval_ms: 7 } }\n  - { name: b, endpoints: [http://b], probe: *p }\n');
  t.equal(config.pools[1]?.probe.intervalMs, 7);
  t.end();
});

test('the configuration is frozen all the way down', (t) => {
  const config = loadOk('pools: [{ endpoints: [http://a] }]\n');
  t.ok(deeplyFrozen(config));
  t.end();
});

test('WARMROUTE_ENDPOINTS makes one pool named default', (t) => {
  const loaded = configFromEnv({ WARMROUTE_ENDPOINTS: 'http://a:8000, http://b:8000' });
  const fromFile = loadOk('pools: [{ endpoints: [http://a:8000, http://b:8000] }]\n');
  t.strictSame(loaded, { kind: 'ok', config: fromFile });
  t.end();
});

test('a file that is named wins over WARMROUTE_ENDPOINTS', (t) => {
  const file = t.testdir({ 'warmroute.yaml': 'pools: [{ name: fromfile, endpoints: [http://a] }]\n' });
  const env = { WARMROUTE_ENDPOINTS: 'http://b' };
  t.match(readConfig(`${file}/warmroute.yaml`, env), { kind: 'ok', config: { pools: [{ name: 'fromfile' }] } });
  t.match(readConfig(undefined, env), { kind: 'ok', config: { pools: [{ name: 'default' }] } });
  t.end();
});

function deeplyFrozen(value: unknown): boolean {
  return typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(deeplyFrozen));
}
