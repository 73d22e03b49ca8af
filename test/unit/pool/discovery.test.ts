// discovery.test.ts: when DNS is asked again, and what becomes of its answers.

import { test } from 'tap';
import { addressId } from '../../../src/pool/address.ts';
import { discover } from '../../../src/pool/discovery.ts';
import type { DnsResult } from '../../../src/pool/dns.ts';
import { isMetadataAddress } from '../../../src/pool/metadata-address.ts';
import { virtualTime } from './fixture.ts';

const FAILED: DnsResult = { kind: 'failed', why: 'ESERVFAIL' };

function found(ttlMs: number | undefined, ...hosts: string[]): DnsResult {
  return { kind: 'found', addresses: hosts.map((host) => ({ scheme: 'http', host, port: 80 })), ttlMs, problem: '' };
}

function setUp(first: DnsResult) {
  const time = virtualTime();
  const state = { result: first, lookUps: 0 };
  const seen: string[] = [];
  const stop = discover(
    {
      run: async () => {
        state.lookUps += 1;
        return state.result;
      },
      cancel: () => {},
    },
    5000,
    { onFound: (addresses) => void seen.push(addresses.map(addressId).join(' ')), onProblem: (why) => void seen.push(`problem: ${why}`) },
    time,
  );
  return { time, state, seen, stop };
}

test('the first look-up is at once, the next when the records expire, between 1 s and the configured interval', async (t) => {
  for (const [ttlMs, lookUps] of [[0, 61], [3000, 21], [60_000, 13], [undefined, 13]] as const) {
    const { time, state } = setUp(found(ttlMs, '10.0.0.1'));
    await time.advanceSettled(0);
    t.equal(state.lookUps, 1);
    await time.advanceSettled(60_000);
    t.equal(state.lookUps, lookUps, `time to live ${ttlMs}`);
  }
});

test('a failure reports no set, is told once, and is tried again after 1 s', async (t) => {
  const { time, state, seen } = setUp(found(undefined, '10.0.0.1'));
  await time.advanceSettled(0);
  state.result = FAILED;
  await time.advanceSettled(8000);
  t.equal(state.lookUps, 5);
  t.same(seen, ['10.0.0.1:80', 'problem: ESERVFAIL']);
  state.result = found(undefined, '10.0.0.2');
  await time.advanceSettled(1000);
  state.result = FAILED;
  await time.advanceSettled(5000);
  t.same(seen.slice(2), ['10.0.0.2:80', 'problem: ESERVFAIL'], 'a failure after a success is told again');
});

test('metadata addresses are left out, and a set of nothing else is no set', async (t) => {
  const { time, state, seen } = setUp(found(undefined, '10.0.0.1', '169.254.169.254'));
  await time.advanceSettled(0);
  state.result = found(undefined, 'fd00:ec2::254');
  await time.advanceSettled(5000);
  t.same(seen, ['problem: refused as metadata addresses: 169.254.169.254:80', '10.0.0.1:80', 'problem: refused as metadata addresses: [fd00:ec2::254]:80']);
});

test('metadata addresses are known in every form, and their neighbours are not', async (t) => {
  for (const ip of ['169.254.0.0', '169.254.255.255', '::ffff:169.254.169.254', 'fe80::1', 'febf::1', 'fd00:ec2::254', 'fd20:ce::254']) t.ok(isMetadataAddress(ip), ip);
  for (const ip of ['169.253.255.255', '169.255.0.0', 'fec0::1', 'fd00:ec2::253', '10.0.0.1', '127.0.0.1', '::1']) t.notOk(isMetadataAddress(ip), ip);
});

test('nothing happens after the end, not even by a look-up that was under way', async (t) => {
  const time = virtualTime();
  const pending: ((result: DnsResult) => void)[] = [];
  const seen: unknown[] = [];
  const lookup = { run: () => new Promise<DnsResult>((resolve) => pending.push(resolve)), cancel: () => void seen.push('cancelled') };
  const stop = discover(lookup, 5000, { onFound: (each) => void seen.push(each), onProblem: (each) => void seen.push(each) }, time);
  await time.advanceSettled(0);
  stop();
  pending[0]?.(found(0, '10.0.0.1'));
  await time.advanceSettled(60_000);
  t.same(seen, ['cancelled']);
  t.equal(time.pending(), 0);
});
