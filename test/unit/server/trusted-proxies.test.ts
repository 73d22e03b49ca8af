// Whose word is taken on whom it forwards for.

import { test } from 'tap';
import { trustedProxies } from '../../../src/server/trusted-proxies.ts';

test('nobody is trusted unless a network names it', (t) => {
  t.equal(trustedProxies([])('127.0.0.1'), false);
  const isTrusted = trustedProxies(['10.0.0.0/8', '192.168.1.7', 'fd00::/8', '::1']);
  for (const address of ['10.0.0.1', '10.255.255.255', '::ffff:10.1.2.3', '192.168.1.7', 'fd12::1', '::1']) t.equal(isTrusted(address), true, address);
  for (const address of ['11.0.0.1', '192.168.1.8', '::ffff:11.0.0.1', 'fe80::1', '', '::2']) t.equal(isTrusted(address), false, address);
  t.end();
});
