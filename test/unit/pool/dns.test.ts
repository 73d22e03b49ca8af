// dns.test.ts: look-ups against a real name server that fails, lies and changes its mind.

import { test } from 'tap';
import { addressId } from '../../../src/pool/address.ts';
import { createDnsLookup, type DnsClient, type DnsResult, systemDnsClient } from '../../../src/pool/dns.ts';
import type { DnsSettings } from '../../../src/pool/settings.ts';
import { startDnsServer } from './dns-server.ts';

const SETTINGS: DnsSettings = { name: 'vllm.test', type: 'a+aaaa', port: 8000, scheme: 'http', refreshIntervalMs: 5000 };
const NOT_THERE: DnsResult = { kind: 'failed', why: 'no address' };

function ids(result: DnsResult): readonly string[] | string {
  return result.kind === 'found' ? result.addresses.map(addressId) : result.why;
}

test('addresses of both kinds are found, with the shortest time to live', async (t) => {
  const { replies, client } = await startDnsServer(t);
  replies.set('A vllm.test', [{ address: '10.0.0.1', ttl: 30 }, { address: '10.0.0.2', ttl: 20 }]);
  replies.set('AAAA vllm.test', [{ address: '2001:db8::7', ttl: 40 }]);
  const result = await createDnsLookup(SETTINGS, client).run();
  t.same(ids(result), ['10.0.0.1:8000', '10.0.0.2:8000', '[2001:db8::7]:8000']);
  t.match(result, { ttlMs: 20_000, problem: '', addresses: [{ scheme: 'http', host: '10.0.0.1', port: 8000 }] });
});

test('only the kind that is configured is asked for', async (t) => {
  const { asked, client } = await startDnsServer(t);
  await createDnsLookup({ ...SETTINGS, type: 'a' }, client).run();
  await createDnsLookup({ ...SETTINGS, type: 'aaaa' }, client).run();
  t.same(asked, ['A vllm.test', 'AAAA vllm.test']);
});

test('a changed set is seen at the next look-up, whatever its time to live was', async (t) => {
  const { replies, client } = await startDnsServer(t);
  const lookup = createDnsLookup(SETTINGS, client);
  replies.set('A vllm.test', [{ address: '10.0.0.1', ttl: 300 }]);
  t.same(ids(await lookup.run()), ['10.0.0.1:8000']);
  replies.set('A vllm.test', [{ address: '10.0.0.2', ttl: 300 }]);
  t.same(ids(await lookup.run()), ['10.0.0.2:8000']);
});

test('a server failure, silence, an unknown name and an empty answer are failures', async (t) => {
  const { replies, client } = await startDnsServer(t);
  const lookup = createDnsLookup({ ...SETTINGS, type: 'a' }, client);
  replies.set('A vllm.test', 'SERVFAIL');
  t.same(await lookup.run(), { kind: 'failed', why: 'ESERVFAIL' });
  replies.set('A vllm.test', 'silence');
  t.same(await lookup.run(), { kind: 'failed', why: 'ETIMEOUT' });
  replies.set('A vllm.test', 'NXDOMAIN');
  t.same(await lookup.run(), NOT_THERE);
  replies.set('A vllm.test', []);
  t.same(await lookup.run(), NOT_THERE);
});

test('when one kind fails, its last good records stand beside the fresh ones of the other', async (t) => {
  const { replies, client } = await startDnsServer(t);
  const lookup = createDnsLookup(SETTINGS, client);
  replies.set('A vllm.test', [{ address: '10.0.0.1', ttl: 30 }]);
  replies.set('AAAA vllm.test', 'SERVFAIL');
  t.same(ids(await lookup.run()), ['10.0.0.1:8000'], 'one that never worked does no harm');
  replies.set('AAAA vllm.test', [{ address: '2001:db8::7', ttl: 30 }]);
  await lookup.run();
  replies.set('A vllm.test', 'SERVFAIL');
  replies.set('AAAA vllm.test', [{ address: '2001:db8::8', ttl: 30 }]);
  const half = await lookup.run();
  t.same(ids(half), ['10.0.0.1:8000', '[2001:db8::8]:8000']);
  t.match(half, { problem: 'ESERVFAIL' });
  replies.set('A vllm.test', []);
  t.same(ids(await lookup.run()), ['[2001:db8::8]:8000'], 'an empty answer is an answer when the other kind has records');
  replies.set('A vllm.test', 'SERVFAIL');
  t.same(ids(await lookup.run()), ['[2001:db8::8]:8000'], 'and what it took away does not return with a failure');
});

test('services of the first priority are found, each with its own port', async (t) => {
  const { replies, client } = await startDnsServer(t);
  const lookup = createDnsLookup({ ...SETTINGS, type: 'srv', port: undefined }, client);
  replies.set('SRV vllm.test', [
    { target: 'a.test', port: 8001, priority: 1, ttl: 30 },
    { target: 'b.test', port: 8002, priority: 1, ttl: 30 },
    { target: 'spare.test', port: 8003, priority: 2, ttl: 30 },
  ]);
  replies.set('A a.test', [{ address: '10.0.0.1', ttl: 30 }]);
  replies.set('A b.test', [{ address: '10.0.0.2', ttl: 10 }]);
  replies.set('A spare.test', [{ address: '10.0.0.3', ttl: 5 }]);
  const result = await lookup.run();
  t.same(ids(result), ['10.0.0.1:8001', '10.0.0.2:8002']);
  t.match(result, { ttlMs: 10_000 });
  replies.set('A a.test', 'SERVFAIL');
  const half = await lookup.run();
  t.same(ids(half), ['10.0.0.1:8001', '10.0.0.2:8002'], 'a target that fails keeps its address');
  t.match(half, { problem: 'ESERVFAIL' });
  replies.set('SRV vllm.test', 'SERVFAIL');
  t.same(ids(await lookup.run()), 'ESERVFAIL');
  replies.set('SRV vllm.test', []);
  t.same(await lookup.run(), NOT_THERE);
});

test('a name that no server knows is asked of the operating system', async (t) => {
  const { replies, client } = await startDnsServer(t);
  replies.set('A vllm.test', 'NXDOMAIN').set('AAAA vllm.test', 'NXDOMAIN');
  const both: DnsClient = {
    ...client,
    askSystem: async () => [{ address: '127.0.0.1', family: 4 }, { address: '::1', family: 6 }],
  };
  t.same(await createDnsLookup({ ...SETTINGS, type: 'a' }, both).run(), {
    kind: 'found',
    addresses: [{ scheme: 'http', host: '127.0.0.1', port: 8000 }],
    ttlMs: undefined,
    problem: '',
  });
});

test('the operating system knows localhost', async (t) => {
  const { client } = await startDnsServer(t);
  const lookup = createDnsLookup({ ...SETTINGS, name: 'localhost', type: 'a' }, { ...client, askSystem: systemDnsClient().askSystem });
  t.same(ids(await lookup.run()), ['127.0.0.1:8000']);
});

test('a look-up that is cancelled fails at once', async (t) => {
  const { replies, client } = await startDnsServer(t);
  replies.set('A vllm.test', 'silence');
  const lookup = createDnsLookup({ ...SETTINGS, type: 'a' }, client);
  const result = lookup.run();
  lookup.cancel();
  t.same(await result, { kind: 'failed', why: 'ECANCELLED' });
});
