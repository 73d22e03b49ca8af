// What may be said of clients, and that their keys are never told.

import { createHash } from 'node:crypto';
import { test } from 'tap';
import { checkReport } from '../../../src/config/check-command.ts';
import { complaints, load, loadOk } from './loading.ts';

const POOLS = 'pools: [{ endpoints: [http://a] }]\n';
const digest = createHash('sha256').update('canary').digest('hex');

test('of a key its SHA-256 is kept alone, however it was given', (t) => {
  const { clients, admin } = loadOk(`${POOLS}admin: { token: canary }\nclients:\n  - { name: a, key: canary, in_flight_max: 3 }\n  - { name: b, tenant: t, key_sha256: ${'AB'.repeat(32)} }\n`);
  t.strictSame(clients, [{ name: 'a', keySha256: digest, tenant: 'a', inFlightMax: 3 }, { name: 'b', keySha256: 'ab'.repeat(32), tenant: 't' }]);
  t.strictSame(admin, { host: '127.0.0.1', port: 9901, tokenSha256: digest });
  t.end();
});

test('a check says who may come in, and nothing of what they show', (t) => {
  const { text } = checkReport(load(`${POOLS}clients: [{ name: a, key: canary, in_flight_max: 3 }, { name: b, key: x, tenant: t }]\n`));
  t.match(text, 'client a of tenant a, at most 3 requests in flight\nclient b of tenant t\n');
  t.notMatch(text, /canary|[0-9a-f]{64}/);
  t.end();
});

test('a client has one key, which no other one has, and names are not used twice', (t) => {
  const all = complaints(`${POOLS}clients:
  - { name: a, key: canary }
  - { name: a, key: x, key_sha256: ${digest} }
  - name: c
  - { name: d, key_sha256: ${digest.toUpperCase()} }
  - { name: e, key: '' }
  - { name: f, key: 'canary key' }
  - { name: g, key_sha256: canary }
`);
  t.strictSame(all, [
    'w.yaml:4:13: clients[1].name: is "a" again, wanted a name that no other client has',
    'w.yaml:4:36: clients[1].key_sha256: is a value not shown here, wanted one of key and key_sha256',
    'w.yaml:5:5: clients[2]: is without a key, wanted key or key_sha256',
    'w.yaml:6:28: clients[3].key_sha256: is a value not shown here, wanted a key that no other client has',
    'w.yaml:7:21: clients[4].key: is a value not shown here, wanted at least one character, printable ASCII without spaces (in quotes where it looks like a number)',
    'w.yaml:8:21: clients[5].key: is a value not shown here, wanted at least one character, printable ASCII without spaces (in quotes where it looks like a number)',
    'w.yaml:9:28: clients[6].key_sha256: is a value not shown here, wanted a SHA-256 of 64 hexadecimal digits',
  ]);
  t.end();
});
