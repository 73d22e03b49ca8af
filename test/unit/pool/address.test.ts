// address.test.ts: one endpoint, one name, however it was written.

import { test } from 'tap';
import { addressId, staticAddresses } from '../../../src/pool/address.ts';
import { Pools } from '../../../src/pool/pools.ts';
import { poolSettings, recordedEvents, virtualTime } from './fixture.ts';

test('a URL gives scheme, host and port, the port from the scheme when it is left out', async (t) => {
  for (const [url, id] of [
    ['http://10.0.0.11:8000', '10.0.0.11:8000'],
    ['http://vllm.example', 'vllm.example:80'],
    ['https://vllm.example/', 'vllm.example:443'],
    ['http://[2001:DB8::0:7]:8000', '[2001:db8::7]:8000'],
  ] as const) {
    t.same(staticAddresses([{ url }]).map(addressId), [id], url);
  }
});

test('the origin of an endpoint can be put in front of a path', async (t) => {
  const { clock, schedule } = virtualTime();
  const pools = new Pools([poolSettings('p')], recordedEvents(), clock, schedule);
  pools.apply('p', 'static', staticAddresses([{ url: 'https://[::1]' }, { url: 'http://a' }]));
  t.same(pools.all().map(({ address }) => address.origin), ['https://[::1]:443', 'http://a:80']);
});
