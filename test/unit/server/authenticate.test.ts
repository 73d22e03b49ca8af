// Who shows which key.

import crypto, { createHash } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { test } from 'tap';
import { ANYBODY } from '../../../src/core/identity.ts';
import { authenticateBy, showsToken } from '../../../src/server/authenticate.ts';

const digest = (key: string): string => createHash('sha256').update(key).digest('hex');
const keys = ['one', 'two', 'three'].map((name) => ({ name, tenant: `of-${name}`, keySha256: digest(`key-${name}`) }));
const authenticate = authenticateBy(keys);

test('without keys everybody is anybody, whatever they show', (t) => {
  t.equal(authenticateBy([])({}), ANYBODY);
  t.equal(authenticateBy([])({ authorization: 'Bearer x', 'x-api-key': 'y' }), ANYBODY);
  t.end();
});

test('each key is known, in either header', (t) => {
  for (const { name, tenant } of keys) {
    for (const headers of [{ authorization: `Bearer key-${name}` }, { authorization: `bearer  key-${name}` }, { 'x-api-key': `key-${name}` }]) t.same(authenticate(headers), { client: name, tenant });
  }
  t.end();
});

test('of two keys the first counts that is known', (t) => {
  t.match(authenticate({ authorization: 'Bearer key-one', 'x-api-key': 'key-two' }), { client: 'one' });
  t.match(authenticate({ authorization: 'Bearer wrong', 'x-api-key': 'key-two' }), { client: 'two' });
  t.end();
});

test('anything else is nobody', (t) => {
  const wrong = ['', 'key-one', 'Basic key-one', 'Bearer', 'Bearer ', 'Bearer key-one ', 'Bearer key-on', 'Bearer key-one1', 'Bearer KEY-ONE', `Bearer ${digest('key-one')}`, 'Bearer key-one, Bearer key-two', 'Bearer\tkey-one'];
  for (const authorization of wrong) t.equal(authenticate({ authorization }), undefined, JSON.stringify(authorization));
  for (const key of ['', 'key-four', 'key-one, key-two', 'Bearer key-one']) t.equal(authenticate({ 'x-api-key': key }), undefined, JSON.stringify(key));
  t.equal(authenticate({}), undefined);
  t.end();
});

test('whatever is shown, it is compared with each key, and in constant time', (t) => {
  let compared = 0;
  const { timingSafeEqual } = crypto;
  crypto.timingSafeEqual = (a, b) => {
    compared += 1;
    return timingSafeEqual(a, b);
  };
  syncBuiltinESMExports();
  t.teardown(() => {
    crypto.timingSafeEqual = timingSafeEqual;
    syncBuiltinESMExports();
  });
  for (const key of ['key-one', 'key-three', 'wrong']) {
    compared = 0;
    authenticate({ authorization: `Bearer ${key}` });
    t.equal(compared, keys.length, key);
  }
  compared = 0;
  showsToken({ authorization: 'Bearer secret' }, digest('other'));
  t.equal(compared, 1);
  t.end();
});

test('a token is the one with its digest', (t) => {
  t.ok(showsToken({ authorization: 'Bearer secret' }, digest('secret')));
  for (const authorization of ['Bearer secre', 'secret', '']) t.notOk(showsToken({ authorization }, digest('secret')));
  t.notOk(showsToken({ 'x-api-key': 'secret' }, digest('secret')), 'an API key is no token');
  t.end();
});
