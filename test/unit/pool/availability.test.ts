// availability.test.ts: who may take a request, of many endpoints.

import { test } from 'tap';
import { availableOf, unavailableBecause } from '../../../src/pool/availability.ts';
import type { Endpoint } from '../../../src/pool/endpoint.ts';
import { takeLease } from '../../../src/pool/lease.ts';
import { Pools } from '../../../src/pool/pools.ts';
import type { PoolSettings } from '../../../src/pool/settings.ts';
import { poolSettings, recordedEvents, virtualTime } from './fixture.ts';

/** Healthy endpoints named a, b, c … that serve `m`. */
function fleet(count: number, more: Partial<PoolSettings> = {}) {
  const time = virtualTime();
  const events = recordedEvents();
  const pools = new Pools([poolSettings('p', { slowStartMs: 0, ...more })], events, time.clock, time.schedule);
  const addresses = Array.from({ length: count }, (_, i) => ({ scheme: 'http' as const, host: String.fromCharCode(97 + i), port: 8000 }));
  pools.apply('p', 'static', addresses);
  for (const endpoint of pools.all()) {
    endpoint.noteModels([{ id: 'm', parent: undefined }]);
    endpoint.noteProbeSucceeded(0);
  }
  events.seen.length = 0;
  const names = (nowMs: number): string => availableOf(pools.all(), 'm', nowMs).endpoints.map(({ address }) => address.id[0]).join('');
  return { pools, addresses, names, endpoints: pools.all(), seen: events.seen };
}

function fail(endpoint: Endpoint | undefined, nowMs: number, failure: 'error' | 'draining' | 'engine_dead' = 'error'): void {
  for (let i = 0; i < 3; i += 1) endpoint?.noteFailed(failure, nowMs, nowMs);
}

test('all of them available are the very array that was given', async (t) => {
  const { endpoints } = fleet(5);
  t.equal(availableOf(endpoints, 'm', 0).endpoints, endpoints);
  t.equal(availableOf(endpoints, undefined, 0).endpoints, endpoints);
  t.match(availableOf(endpoints, 'else', 0), { endpoints: [] });
});

test('an ejected endpoint is left out, then gets one request at a time, then all', async (t) => {
  const { endpoints, names, seen } = fleet(3);
  const [, b] = endpoints;
  fail(b, 0);
  t.equal(names(9999), 'ac');
  t.equal(unavailableBecause(b!, 'm', 9999), 'ejected');
  t.equal(names(10_000), 'abc');
  const lease = takeLease(b!, 2);
  t.equal(names(10_000), 'ac');
  t.equal(unavailableBecause(b!, 'm', 10_000), 'trial');
  lease.return();
  t.equal(names(10_000), 'abc', 'it ended without telling anything');
  takeLease(b!, 1);
  b!.noteAnswered(10_000, 10_500);
  t.equal(names(10_500), 'abc');
  t.same(seen, ['ejected b:8000: 3 errors in a row', 'returned b:8000']);
  t.equal(b!.ejections, 1);
});

test('who is full is left out and causes no panic', async (t) => {
  const { endpoints } = fleet(4, { inFlightMax: 1 });
  for (const endpoint of endpoints.slice(0, 3)) takeLease(endpoint, 1);
  fail(endpoints[0], 0);
  t.match(availableOf(endpoints, 'm', 0), { endpoints: [endpoints[3]], panics: false });
});

test('below the panic ratio ejections by errors are ignored, and one that is full is no loss', async (t) => {
  const { endpoints, names } = fleet(4, { inFlightMax: 1 });
  takeLease(endpoints[3]!, 1);
  fail(endpoints[0], 0);
  fail(endpoints[1], 0);
  t.equal(availableOf(endpoints, 'm', 0).panics, false, 'half of them are well');
  t.equal(names(0), 'c');
  fail(endpoints[2], 0);
  t.match(availableOf(endpoints, 'm', 0), { panics: true });
  t.equal(names(0), 'abc');
});

test('in panic, on trial more than one request is sent', async (t) => {
  const { endpoints, names } = fleet(1);
  fail(endpoints[0], 0);
  t.equal(names(10_000), 'a');
  takeLease(endpoints[0]!, 1);
  t.equal(names(10_000), 'a');
});

test('panic passes over nothing but errors', async (t) => {
  const { endpoints, names, pools, addresses } = fleet(8);
  const [a, b, c, d, e, f, g] = endpoints;
  fail(a, 0, 'draining');
  fail(b, 0, 'engine_dead');
  c!.noteUnreachable();
  for (let i = 0; i < 2; i += 1) d!.noteProbeFailed('status 503', 0);
  e!.noteSample({ atMs: 0, running: 0, waiting: 0, kvUsage: 0, blockSize: 16, capacityTokens: 1, prefixCaching: true, prefixQueriesTotal: 0, prefixHitsTotal: 0, asleep: true, stepsTotal: 0, processStartS: 1 });
  fail(f, 0);
  fail(g, 0);
  pools.apply('p', 'static', addresses.filter(({ host }) => host !== 'g'));
  t.equal(names(0), 'fh');
  t.same([a, b, c, d, e, f, g].map((endpoint) => unavailableBecause(endpoint!, 'm', 0)), ['ejected', 'ejected', 'ejected', 'unhealthy', 'asleep', 'ejected', 'ejected']);
});

test('only those that serve the model are counted for its panic', async (t) => {
  const { endpoints, names } = fleet(4);
  for (const endpoint of endpoints.slice(2)) endpoint.noteModels([{ id: 'other', parent: undefined }]);
  fail(endpoints[0], 0);
  t.equal(names(0), 'b');
  fail(endpoints[1], 0);
  t.equal(names(0), 'ab');
  t.equal(availableOf(endpoints, undefined, 0).panics, false);
});

test('a panic ratio of 0 never panics', async (t) => {
  const { endpoints, names } = fleet(2, { panicRatio: 0 });
  for (const endpoint of endpoints) fail(endpoint, 0);
  t.equal(names(0), '');
});

test('panic is told when it begins and when it ends, once each, and not while a fleet starts', async (t) => {
  const { endpoints, seen, pools, addresses } = fleet(4);
  t.same(seen.filter((event) => event.includes('panic')), []);
  for (const endpoint of endpoints.slice(0, 3)) fail(endpoint, 0);
  t.same(seen.filter((event) => event.includes('panic')), ['panic p']);
  for (const endpoint of endpoints.slice(0, 2)) endpoint.noteAnswered(10_000, 10_000);
  t.same(seen.filter((event) => event.includes('panic')), ['panic p', 'no panic p']);
  for (const endpoint of endpoints.slice(0, 2)) endpoint.noteUnreachable();
  t.equal(seen.filter((event) => event.includes('panic')).length, 3);
  pools.apply('p', 'static', addresses.slice(3));
  t.equal(seen.at(-1), 'no panic p', 'those that are down are no longer wanted');
});

test('a fleet that has not been up yet is told of as no panic', async (t) => {
  const time = virtualTime();
  const events = recordedEvents();
  const pools = new Pools([poolSettings('p')], events, time.clock, time.schedule);
  pools.apply('p', 'static', ['a', 'b', 'c'].map((host) => ({ scheme: 'http' as const, host, port: 8000 })));
  pools.all()[0]!.noteProbeSucceeded(0);
  pools.all()[1]!.noteProbeFailed('connection refused', 0);
  t.same(events.seen.filter((event) => event.includes('panic')), []);
});
