// generated.test.ts: what is made from the schema agrees with the loader, and with what lies in the folder.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { test } from 'tap';
import { parse } from 'yaml';
import { outdated } from '../../../config/generate.ts';
import { readConfig } from '../../../src/config/load.ts';
import { CA, FIRST } from '../../support/certificates.ts';
import { complaints, load, loadOk } from './loading.ts';

const folder = join(import.meta.dirname, '../../../config');
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const accepts = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(JSON.parse(read('warmroute.schema.json')));

test('reference, JSON schema and key table are as the schema says', (t) => {
  t.strictSame(outdated(), [], 'run node config/generate.ts');
  t.end();
});

for (const name of ['warmroute.yaml', 'reference.yaml']) {
  test(`${name} is taken by the loader and by the JSON schema`, (t) => {
    t.equal(readConfig(join(folder, name), {}).kind, 'ok');
    t.ok(accepts(parse(read(name))), JSON.stringify(accepts.errors));
    t.end();
  });
}

/** What the examples name. */
const FILES = {
  '/run/secrets/tls.crt': FIRST.cert,
  '/run/secrets/tls.key': FIRST.key,
  '/etc/warmroute/endpoints-ca.crt': CA,
  '/run/secrets/team-a': 'k'.repeat(40),
  '/run/secrets/admin-token': 't'.repeat(40),
  '/run/secrets/vllm-key': 'v'.repeat(40),
};

/** What the documents show as YAML, each a file or a part of one. */
function examples(path: string): string[] {
  return [...readFileSync(join(folder, path), 'utf8').matchAll(/^```yaml\n([^]*?)^```$/gm)].map(([, text = '']) => text);
}

test('every example of the documents is taken by both', (t) => {
  const shown = ['README.md', '../README.md'].flatMap((path) => examples(path).map((text) => [path, text] as const));
  t.ok(shown.length >= 2, 'there are some');
  for (const [path, text] of shown) {
    t.strictSame(complaints(text, { VLLM_API_KEY: 'k' }, FILES), [], `${path}: ${text}`);
    t.ok(accepts(parse(text)), `${path}: ${text}${JSON.stringify(accepts.errors)}`);
  }
  t.end();
});

test('files that are there to begin from name the JSON schema to editors', (t) => {
  for (const name of ['warmroute.yaml', 'reference.yaml']) t.match(read(name), /^# yaml-language-server: \$schema=warmroute\.schema\.json$/m, name);
  t.end();
});

test('the reference says the defaults', (t) => {
  const least = loadOk('pools: [{ endpoints: [http://a] }]\n');
  const reference = loadOk(read('reference.yaml'));
  t.strictSame({ ...reference, pools: [], models: [] }, { ...least, pools: [], models: [] });
  t.match(reference.pools[0], { ...least.pools[0], endpoints: [] });
  t.end();
});

const POOLS = 'pools:\n  - name: a\n    endpoints: [http://a:8000]\n';

test('both take variables and empty values', (t) => {
  for (const text of [
    `${POOLS}    in_flight_max: \${N:-7}\n    shared: \${S:-true}\n    probe:\n    dns:\n`,
    `${POOLS}prefix:\n  kv_cache_tokens: \${N:-auto}\n  bytes_per_token: \${B:-3.5}\n`,
    `${POOLS}log:\n  level: \${L:-info}\nmodels:\n`,
    'version: ${V:-1}\npools:\n  - endpoints:\n      - ${A:-http://a}\n      - url: http://${HOST:-b}:8000\n        kv_cache_tokens: ${N:-5}\n',
  ]) {
    t.equal(load(text).kind, 'ok', text);
    t.ok(accepts(parse(text)), `${text}${JSON.stringify(accepts.errors)}`);
  }
  t.end();
});

test('both refuse the same thirty mistakes', (t) => {
  const mistakes = [
    'log: { level: info }\n',
    'pools: []\n',
    'pools: http://a\n',
    'pools: [{ name: "not a name", endpoints: [http://a] }]\n',
    'pools: [{ endpoints: [http://a/path] }]\n',
    'pools: [{ endpoints: [ftp://a] }]\n',
    'pools: [{ endpoints: [8000] }]\n',
    'pools: [{ endpoints: [{ kv_cache_tokens: 5 }] }]\n',
    'pools: [{ endpoints: [{ url: http://a, kv_cache_tokens: many }] }]\n',
    'pools: [{ dns: { port: 8000 } }]\n',
    `${POOLS}    probe: { interval: 5 }\n`,
    `${POOLS}    probe: { interval_ms: 0 }\n`,
    `${POOLS}    shared: "yes"\n`,
    `${POOLS}version: 2\n`,
    `${POOLS}listeners: [{ name: x }]\n`,
    `${POOLS}listeners: [{ name: x, port: 70000 }]\n`,
    `${POOLS}listeners: [{ name: x, port: 1, policy: best }]\n`,
    `${POOLS}models: [{ name: m, targets: [] }]\n`,
    `${POOLS}models: [{ name: m, targets: [{ pool: a, weight: -1 }] }]\n`,
    `${POOLS}timeouts: [1, 2]\n`,
    `${POOLS}log: { sample_ratio: 1.5 }\n`,
    `${POOLS}extra: 1\n`,
    `${POOLS}listeners: []\n`,
    `${POOLS}listeners: [{ name: x, port: 1, debug_headers: 1 }]\n`,
    `${POOLS}admin: { host: 7 }\n`,
    `${POOLS}models: [{ name: m, criticality: urgent, targets: [{ pool: a }] }]\n`,
    `${POOLS}prefix: { bytes_per_token: 0 }\n`,
    `${POOLS}timeouts: { idle_ms: 1.5 }\n`,
    `${POOLS}    scrape: { path: metrics }\n`,
    `${POOLS}    slow_start_ms: 2147483648\n`,
    `${POOLS}    dns: { name: vllm, type: mx, port: 1 }\n`,
    `${POOLS}retry: { attempts_max: 0 }\n`,
  ];
  t.ok(new Set(mistakes).size >= 30);
  for (const text of mistakes) {
    t.equal(load(text).kind, 'invalid', text);
    t.notOk(accepts(parse(text)), text);
  }
  t.end();
});
