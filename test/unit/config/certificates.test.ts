// Files with certificates are read and checked with the configuration that names them.

import { test } from 'tap';
import { CA, FIRST, OTHER_CA, SECOND, WEAK } from '../../support/certificates.ts';
import { complaints, loadOk } from './loading.ts';

const FILES = { '/crt': FIRST.cert, '/key': FIRST.key, '/ca': CA, '/other': SECOND.key, '/empty': '', '/both': CA + OTHER_CA + FIRST.key, '/cut': CA + OTHER_CA.slice(0, 300), '/weak.crt': WEAK.cert, '/weak.key': WEAK.key };
const text = (listener: string, pool: string): string => `listeners: [{ name: a, port: 1${listener} }]\npools: [{ endpoints: [https://a]${pool} }]\n`;

test('what is in the files is what the configuration has', (t) => {
  const { listeners, pools } = loadOk(text(', tls: { cert_file: /crt, key_file: /key, client_ca_file: /ca }', ', tls: { ca_file: /ca, server_name: vllm.internal, cert_file: /crt, key_file: /key }'), {}, FILES);
  t.strictSame(listeners[0]?.tls, { cert: FIRST.cert, key: FIRST.key, clientCa: CA });
  t.strictSame(pools[0]?.tls, { ca: CA, serverName: 'vllm.internal', cert: FIRST.cert, key: FIRST.key });
  t.end();
});

test('several certificates may stand in a file, and keys beside them', (t) => {
  t.equal(loadOk(text('', ', tls: { ca_file: /both }'), {}, FILES).pools[0]?.tls?.ca, FILES['/both']);
  t.end();
});

test('each file that cannot be used is told, at its place', (t) => {
  for (const [listener, pool, problem] of [
    [', tls: { cert_file: /crt }', '', 'w.yaml:1:38: listeners[0].tls.key_file: is missing, wanted the path of a file (text: in quotes where it looks like something else)'],
    [', tls: { cert_file: /nowhere, key_file: /key }', '', 'w.yaml:1:51: listeners[0].tls.cert_file: is "/nowhere", which is unreadable (ENOENT), wanted a readable file'],
    [', tls: { cert_file: /key, key_file: /key }', '', 'w.yaml:1:51: listeners[0].tls.cert_file: is "/key", a file with something else, wanted a PEM file with a certificate'],
    [', tls: { cert_file: /crt, key_file: /other }', '', 'w.yaml:1:67: listeners[0].tls.key_file: is "/other", the key of another certificate, wanted the private key of cert_file'],
    [', tls: { cert_file: /crt, key_file: /key, client_ca_file: /empty }', '', 'w.yaml:1:89: listeners[0].tls.client_ca_file: is "/empty", a file with something else, wanted a PEM file with certificates'],
    ['', ', tls: { ca_file: /key }', 'w.yaml:2:51: pools[0].tls.ca_file: is "/key", a file with something else, wanted a PEM file with certificates'],
    ['', ', tls: { ca_file: /cut }', 'w.yaml:2:51: pools[0].tls.ca_file: is "/cut", a file that ends in the middle, wanted a PEM file with certificates'],
    [', tls: { cert_file: /cut, key_file: /key }', '', 'w.yaml:1:51: listeners[0].tls.cert_file: is "/cut", a file that ends in the middle, wanted a PEM file with a certificate'],
    ['', ', tls: { cert_file: /weak.crt, key_file: /weak.key }', 'w.yaml:2:53: pools[0].tls.cert_file: is "/weak.crt", which OpenSSL refuses (ERR_SSL_EE_KEY_TOO_SMALL), wanted a PEM file with a certificate'],
    ['', ', tls: { cert_file: /crt }', 'w.yaml:2:40: pools[0].tls.key_file: is missing, wanted the path of a file, because there is a cert_file'],
    ['', ', tls: { key_file: /key }', 'w.yaml:2:40: pools[0].tls.cert_file: is missing, wanted the path of a file, because there is a key_file'],
  ] as const) {
    t.strictSame(complaints(text(listener, pool), {}, FILES), [problem]);
  }
  t.end();
});
