// problems.test.ts: each kind of mistake, with its exact place and words; and all of them at once.
import { test } from 'tap';
import { checkReport } from '../../../src/config/check-command.ts';
import { configFromEnv, readConfig } from '../../../src/config/load.ts';
import { formatProblem } from '../../../src/config/problem.ts';
import { complaints, load } from './loading.ts';

const POOLS = 'pools: [{ name: a, endpoints: [http://a:8000] }]\n';
const POOL = 'pools:\n  - endpoints: [http://a:8000]\n    ';
const ADDRESS = 'http://host:port or https://host:port, without user, path, query or fragment';

/** What is wrong → file → the one complaint, less the file's name. */
const mistakes: readonly (readonly [string, string, string])[] = [
  ['an unknown key at the top', `${POOLS}retri: {}\n`, '2:1: retri: is an unknown key, wanted retry'],
  ['an unknown key like no other', `${POOLS}log: { colour: red }\n`, '2:8: log.colour: is an unknown key, wanted one of level, sample_ratio'],
  ['two letters swapped', `${POOL}by_laod: true\n`, '3:5: pools[0].by_laod: is an unknown key, wanted by_load'],
  ['a key twice', `${POOL}shared: true\n    shared: false\n`, '4:5: pools[0].shared: is a key that stands twice, wanted it once'],
  ['text for a number', `${POOL}probe:\n      interval_ms: fast\n`, '4:20: pools[0].probe.interval_ms: is "fast", wanted a whole number of milliseconds ≥ 1'],
  ['zero milliseconds', `${POOLS}timeouts: { idle_ms: 0 }\n`, '2:22: timeouts.idle_ms: is 0, wanted a whole number of milliseconds ≥ 1'],
  ['a fraction', `${POOLS}timeouts: { idle_ms: 1.5 }\n`, '2:22: timeouts.idle_ms: is 1.5, wanted a whole number of milliseconds ≥ 1'],
  ['more than a timer holds', `${POOL}slow_start_ms: 2147483648\n`, '3:20: pools[0].slow_start_ms: is 2147483648, wanted a whole number of milliseconds ≤ 2147483647'],
  ['unhealthy after no probe', `${POOL}probe: { unhealthy_after: 0 }\n`, '3:31: pools[0].probe.unhealthy_after: is 0, wanted a whole number of probes ≥ 1'],
  ['a ratio above 1', `${POOLS}log: { sample_ratio: 2 }\n`, '2:22: log.sample_ratio: is 2, wanted a number from 0 to 1'],
  ['tenants kept apart with nothing', `${POOLS}prefix: { tenants: isolate, tenant_secret: "" }\n`, '2:20: prefix.tenants: is "isolate" without a tenant_secret, wanted a tenant_secret beside it, or pass'],
  ['a token without bytes', `${POOLS}prefix: { bytes_per_token: 0 }\n`, '2:28: prefix.bytes_per_token: is 0, wanted a number of bytes > 0'],
  ['neither auto nor a number', `${POOLS}prefix: { kv_cache_tokens: lots }\n`, '2:28: prefix.kv_cache_tokens: is "lots", wanted auto, or a whole number of tokens ≥ 1'],
  ['a number too small beside auto', `${POOLS}prefix: { kv_cache_tokens: 0 }\n`, '2:28: prefix.kv_cache_tokens: is 0, wanted a whole number of tokens ≥ 1'],
  ['yes for true', `${POOL}shared: yes\n`, '3:13: pools[0].shared: is "yes", wanted true or false'],
  ['a number for text', 'pools: [{ name: 7, endpoints: [http://a] }]\n', '1:17: pools[0].name: is 7, wanted a name of letters, digits, ".", "_" and "-", at most 63 (text: in quotes where it looks like something else)'],
  ['a path without slash', `${POOL}scrape: { path: metrics }\n`, '3:21: pools[0].scrape.path: is "metrics", wanted a path that begins with "/"'],
  ['a policy that is none', `${POOLS}listeners: [{ name: x, port: 1, policy: best }]\n`, '2:41: listeners[0].policy: is "best", wanted one of prefix-cost, prefix-threshold, least-request, round-robin, random'],
  ['a network that is too narrow', `${POOLS}listeners: [{ name: x, port: 1, trusted_proxies: [10.0.0.0/33] }]\n`, '2:51: listeners[0].trusted_proxies[0]: is "10.0.0.0/33", wanted an IP address, or a network such as 10.0.0.0/8'],
  ['an origin with a slash', `${POOLS}listeners: [{ name: x, port: 1, cors_origins: ["https://a/"] }]\n`, '2:48: listeners[0].cors_origins[0]: is "https://a/", wanted an origin such as https://chat.example.com, in lower case, without a slash at its end'],
  ['any origin', `${POOLS}listeners: [{ name: x, port: 1, cors_origins: ["*"] }]\n`, '2:48: listeners[0].cors_origins[0]: is "*", wanted an origin such as https://chat.example.com, in lower case, without a slash at its end'],
  ['a port beyond the last', `${POOLS}admin: { port: 65536 }\n`, '2:16: admin.port: is 65536, wanted a port, a whole number from 0 to 65535'],
  ['another version', `version: 2\n${POOLS}`, '1:10: version: is 2, wanted 1'],
  ['a missing key', `${POOLS}listeners:\n  - name: x\n`, '3:5: listeners[0].port: is missing, wanted a port, a whole number from 0 to 65535'],
  ['a required key left empty', `${POOLS}listeners:\n  - port: 1\n    name:\n`, '4:10: listeners[0].name: is missing, wanted a name of letters, digits, ".", "_" and "-", at most 63 (text: in quotes where it looks like something else)'],
  ['no pools', 'log: { level: info }\n', '1:1: pools: is missing, wanted a list of pools'],
  ['an empty file', '', '1:1: pools: is missing, wanted a list of pools'],
  ['an empty list of pools', 'pools: []\n', '1:8: pools: is an empty list, wanted a list with at least one pool'],
  ['an empty item', 'pools:\n  - { endpoints: [http://a] }\n  -\n', '3:4: pools[1]: is empty, wanted a mapping of keys to values'],
  ['a mapping for a list', 'pools: { endpoints: [http://a] }\n', '1:8: pools: is a mapping, wanted a list of pools'],
  ['a list for a mapping', `${POOLS}log: [info]\n`, '2:6: log: is a list, wanted a mapping of keys to values'],
  ['a list for the whole', '- pools\n', '1:1: is a list, wanted a mapping of keys to values'],
  ['an endpoint with a path', 'pools: [{ endpoints: [http://a/v1] }]\n', `1:23: pools[0].endpoints[0]: is "http://a/v1", wanted ${ADDRESS}`],
  ['an endpoint with a query', 'pools: [{ endpoints: [{ url: "http://a?b" }] }]\n', `1:30: pools[0].endpoints[0].url: is "http://a?b", wanted ${ADDRESS}`],
  ['an endpoint of another kind', 'pools: [{ endpoints: ["unix:///a"] }]\n', `1:23: pools[0].endpoints[0]: is "unix:///a", wanted ${ADDRESS}`],
  ['an endpoint with an impossible port', 'pools: [{ endpoints: [http://a:99999] }]\n', `1:23: pools[0].endpoints[0]: is "http://a:99999", wanted ${ADDRESS}`],
  ['an endpoint that is a number', 'pools: [{ endpoints: [8000] }]\n', '1:23: pools[0].endpoints[0]: is 8000, wanted an address such as http://10.0.0.11:8000, or a mapping with url'],
  ['a pool without endpoints', 'pools:\n  - name: a\n', '2:5: pools[0]: is without endpoints, wanted endpoints, dns or both'],
  ['a longest ejection below the first', 'pools:\n  - endpoints: [http://a]\n    ejection: { max_ms: 9999 }\n', '3:25: pools[0].ejection.max_ms: is 9999, wanted a time that is not below base_ms, which is 10000'],
  ['a DNS pool without port', 'pools:\n  - dns: { name: vllm }\n', '2:10: pools[0].dns.port: is missing, wanted a port, because only SRV records carry one'],
  ['a port beside SRV', 'pools:\n  - dns: { name: vllm, type: srv, port: 80 }\n', '2:41: pools[0].dns.port: is 80 with type srv, wanted no port: SRV records carry it'],
  ['an endpoint twice in a pool', 'pools: [{ endpoints: [http://a, "HTTP://A:80/"] }]\n', '1:33: pools[0].endpoints[1]: is "a:80" again, wanted an address that no other endpoint has'],
  ['an endpoint in two pools', `${POOL}name: b\n  - endpoints: [{ url: "http://a:8000" }]\n`, '4:24: pools[1].endpoints[0].url: is "a:8000" again, wanted an address that no other endpoint has'],
  ['an address by http and by https', 'pools: [{ endpoints: [http://a:443] }, { name: b, endpoints: ["https://a"] }]\n', '1:63: pools[1].endpoints[0]: is "a:443" again, wanted an address that no other endpoint has'],
  ['two pools of one name', 'pools:\n  - endpoints: [http://a]\n  - name: default\n    endpoints: [http://b]\n', '3:11: pools[1].name: is "default" again, wanted a name that no other pool has'],
  ['two listeners of one name', `${POOLS}listeners: [{ name: x, port: 1 }, { name: x, port: 2 }]\n`, '2:43: listeners[1].name: is "x" again, wanted a name that no other listener has'],
  ["a listener of admin's name", `${POOLS}listeners: [{ name: admin, port: 1 }]\n`, '2:21: listeners[0].name: is "admin" again, wanted a name that no other listener has'],
  ['two listeners on one port', `${POOLS}listeners: [{ name: x, port: 1 }, { name: y, port: 1 }]\n`, '2:52: listeners[1].port: is 1 again, wanted a port that listener x does not listen on'],
  ["a listener on admin's port, all addresses", `${POOLS}listeners: [{ name: x, port: 9901 }]\n`, '2:30: listeners[0].port: is 9901 again, wanted a port that admin does not listen on'],
  ['two models of one name', `${POOLS}models:\n  - { name: m, targets: [{ pool: a }] }\n  - { name: m, targets: [{ pool: a }] }\n`, '4:13: models[1].name: is "m" again, wanted a name that no other model has'],
  ['a model without targets', `${POOLS}models: [{ name: m, targets: [] }]\n`, '2:30: models[0].targets: is an empty list, wanted a list with at least one target'],
  ['a target in no pool', `${POOLS}models: [{ name: m, targets: [{ pool: b }] }]\n`, '2:39: models[0].targets[0].pool: is "b", wanted the name of a pool: a'],
  ['weights that are all 0', `${POOLS}models: [{ name: m, targets: [{ pool: a, weight: 0 }] }]\n`, '2:30: models[0].targets: is a list whose weights are all 0, wanted a weight above 0'],
  ['a target twice', `${POOLS}models: [{ name: m, targets: [{ pool: a, model: m }, { pool: a }] }]\n`, '2:54: models[0].targets[1]: is "a m" again, wanted a pool and model that no other target has'],
  ['an alias of nothing', 'pools: *p\n', '1:8: pools: is an alias without an anchor, wanted an anchor of that name before it'],
  ['aliases in a circle', 'pools: &p [*p]\n', '1:1: is a file whose aliases go in circles or multiply, wanted fewer aliases'],
  ['a tab as indentation', 'pools:\n\t- a\n', '2:1: is not YAML (Tabs are not allowed as indentation), wanted valid YAML'],
  ['two documents', `${POOLS}---\n${POOLS}`, '2:1: is not YAML (Source contains multiple documents; please use YAML.parseAllDocuments()), wanted valid YAML'],
];

for (const [what, text, complaint] of mistakes) {
  test(`${what} is told with its place`, (t) => {
    t.strictSame(complaints(text), [`w.yaml:${complaint}`]);
    t.end();
  });
}

test('all problems are told at once, in the order of the file', (t) => {
  const text = `version: 3
listeners:
  - { name: x, port: 9901 }
pools:
  - name: a
    endpoints: [ftp://a, http://b, http://b]
    in_flight_max: \${MAX}
    in_flight_max: 7
    prob: {}
  - name: a
models:
  - name: m
    targets: [{ pool: z, weight: heavy }]
`;
  t.strictSame(complaints(text), [
    'w.yaml:1:10: version: is 3, wanted 1',
    'w.yaml:3:22: listeners[0].port: is 9901 again, wanted a port that admin does not listen on',
    `w.yaml:6:17: pools[0].endpoints[0]: is "ftp://a", wanted ${ADDRESS}`,
    'w.yaml:6:36: pools[0].endpoints[2]: is "b:80" again, wanted an address that no other endpoint has',
    'w.yaml:7:20: pools[0].in_flight_max: is ${MAX}, which is undefined, wanted MAX in the environment, or a default: ${MAX:-default}',
    'w.yaml:8:5: pools[0].in_flight_max: is a key that stands twice, wanted it once',
    'w.yaml:9:5: pools[0].prob: is an unknown key, wanted probe',
    'w.yaml:10:5: pools[1]: is without endpoints, wanted endpoints, dns or both',
    'w.yaml:10:11: pools[1].name: is "a" again, wanted a name that no other pool has',
    'w.yaml:13:23: models[0].targets[0].pool: is "z", wanted the name of a pool: a',
    'w.yaml:13:34: models[0].targets[0].weight: is "heavy", wanted a whole number ≥ 0',
  ]);
  t.end();
});

test('no message shows a secret', (t) => {
  const messages = [
    ...complaints(`${POOL}api_key: s3cret with spaces\n`),
    ...complaints(`${POOL}api_key: [s3cret]\n`),
    ...complaints(`${POOLS}prefix: { tenants: isolate, tenant_secret: s3cret with spaces }\n`),
    ...complaints(`${POOL}api_key: *s3cret\n`),
    ...complaints(`${POOL}api_key: !s3cret x\n`),
    ...complaints(`${POOL}api_key: "a\${my-key:-s3cret}"\n`),
    ...complaints(`${POOL}name: \${file:/s}\n`, {}, { '/s': 's3cret!' }),
    ...complaints(`${POOL}name: \${file:/s}\n  - { name: "\${file:/s}", endpoints: [http://b] }\n`, {}, { '/s': 's3cret' }),
    ...complaints('pools: [{ endpoints: ["http://me:s3cret@a", "http://me:s3/s3cret@b"] }]\n'),
    ...['clients: [s3cret]', 'clients: [5319008]', 'clients: s3cret', 'admin: s3cret', 'prefix: s3cret'].flatMap((line) => complaints(`${POOLS}${line}\n`)),
  ];
  t.equal(messages.length, 15);
  t.notMatch(messages.join('\n'), /s3cret|5319008/);
  t.match(messages[0], 'w.yaml:3:14: pools[0].api_key: is a value not shown here, wanted printable ASCII without spaces');
  t.end();
});

test('WARMROUTE_ENDPOINTS is checked like a file, by its columns', (t) => {
  t.strictSame(toldOf('http://a, ftp://b,http://a'), [
    `WARMROUTE_ENDPOINTS:1:11: pools[0].endpoints[1]: is "ftp://b", wanted ${ADDRESS}`,
    'WARMROUTE_ENDPOINTS:1:19: pools[0].endpoints[2]: is "a:80" again, wanted an address that no other endpoint has',
  ]);
  t.strictSame(toldOf('http://a,'), [`WARMROUTE_ENDPOINTS:1:10: pools[0].endpoints[1]: is "", wanted ${ADDRESS}`]);
  t.strictSame(toldOf(' '), ['WARMROUTE_ENDPOINTS:1:1: is empty, wanted addresses separated by commas, or a file named by --config']);
  t.strictSame(toldOf(undefined), ['WARMROUTE_ENDPOINTS:1:1: is not set, wanted addresses separated by commas, or a file named by --config']);
  t.end();
});

test('a file that cannot be read is one problem', (t) => {
  const loaded = readConfig('/nowhere/warmroute.yaml', {});
  t.strictSame(checkReport(loaded), { text: '/nowhere/warmroute.yaml:1:1: is unreadable (ENOENT), wanted a readable YAML file', exitCode: 2 });
  t.end();
});

test('check sums up a good file', (t) => {
  const text = `${POOLS}admin: { host: "::1" }\nmodels: [{ name: m, targets: [{ pool: a, model: n, weight: 1 }] }]\n`;
  t.strictSame(checkReport(load(text)), {
    text: [
      'listener prefix on 0.0.0.0:8081, prefix-cost',
      'listener baseline on 0.0.0.0:8080, least-request',
      'admin on [::1]:9901',
      'pool a with http://a:8000',
      'model m from a as n (1)',
    ].join('\n'),
    exitCode: 0,
  });
  t.end();
});

function toldOf(endpoints: string | undefined): string[] {
  const loaded = configFromEnv(endpoints === undefined ? {} : { WARMROUTE_ENDPOINTS: endpoints });
  return loaded.kind === 'invalid' ? loaded.problems.map(formatProblem) : [];
}

test('what an alias repeats from a secret file is no more shown than where it stands first', async (t) => {
  const text = 'version: "${file:/s}"\npools: [{ endpoints: [*k], name: &k "${file:/s}" }]\n'.replace('[*k], name: &k "${file:/s}"', '["http://a:1"], api_key: &k "${file:/s}", name: *k');
  t.notMatch(complaints(text, {}, { '/s': 'hunter2 !' }).join('\n'), /hunter2/);
  t.ok(complaints(text, {}, { '/s': 'hunter2 !' }).some((line) => line.includes('pools[0].name')));
});

test('a listener that clashes with two others is told of both', async (t) => {
  const text = `${POOLS}listeners: [{ name: x, port: 9901 }, { name: y, port: 9901 }]\n`;
  t.match(complaints(text).join('\n'), /listeners\[1\]\.port: is 9901 again, wanted a port that admin and listener x do not listen on/);
});
