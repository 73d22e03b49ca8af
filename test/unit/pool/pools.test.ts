// pools.test.ts: endpoints appear, drain, come back and are dropped.

import { test } from 'tap';
import type { SourceAddress } from '../../../src/pool/address.ts';
import { takeLease } from '../../../src/pool/lease.ts';
import { DRAIN_HOLD_MS, Pools, RELIEF_MS_MAX } from '../../../src/pool/pools.ts';
import { poolSettings, recordedEvents, virtualTime } from './fixture.ts';

const address = (host: string): SourceAddress => ({ scheme: 'http', host, port: 8000 });
const [a, b, c] = [address('a'), address('b'), address('c')];

function setUp(...names: string[]) {
  const time = virtualTime();
  const events = recordedEvents();
  const pools = new Pools((names.length === 0 ? ['p'] : names).map((name) => poolSettings(name)), events, time.clock, time.schedule);
  const ids = (pool = 'p') => pools.endpoints(pool).map((endpoint) => endpoint.address.id);
  return { pools, events, time, ids };
}

test('a snapshot never changes: what a source adds is in the next one', async (t) => {
  const { pools, ids } = setUp();
  pools.apply('p', 'static', [a]);
  const before = pools.endpoints('p');
  pools.apply('p', 'dns', [b, c]);
  t.equal(before.length, 1);
  t.ok(Object.isFrozen(before));
  t.same(ids(), ['a:8000', 'b:8000', 'c:8000']);
  t.equal(pools.all().length, 3);
  t.same(pools.endpoints('unheard of'), []);
});

test('what one source stops naming stays when another still names it', async (t) => {
  const { pools } = setUp();
  pools.apply('p', 'static', [a]);
  pools.apply('p', 'dns', [a, b]);
  pools.apply('p', 'dns', [b]);
  t.equal(pools.byId('a:8000')?.draining, false);
});

test('a removed endpoint drains, and is dropped once it is idle and was held', async (t) => {
  const { pools, events, time, ids } = setUp();
  pools.apply('p', 'dns', [a, b]);
  const lease = takeLease(pools.byId('a:8000')!, 1);
  pools.apply('p', 'dns', [b]);
  t.equal(pools.byId('a:8000')?.draining, true);
  time.advance(DRAIN_HOLD_MS * 3);
  t.same(ids(), ['a:8000', 'b:8000'], 'a request is still running');
  lease.return();
  time.advance(DRAIN_HOLD_MS);
  t.same(ids(), ['b:8000']);
  t.same(events.seen, ['joined a:8000', 'joined b:8000', 'left a:8000']);
  t.equal(time.pending(), 0, 'no timer is left when nothing drains');
});

test('each drained endpoint is held for its own time', async (t) => {
  const { pools, time, ids } = setUp();
  pools.apply('p', 'dns', [a, b, c]);
  pools.apply('p', 'dns', [b, c]);
  time.advance(DRAIN_HOLD_MS / 2);
  pools.apply('p', 'dns', [c]);
  time.advance(DRAIN_HOLD_MS / 2);
  t.same(ids(), ['b:8000', 'c:8000']);
  time.advance(DRAIN_HOLD_MS);
  t.same(ids(), ['c:8000']);
});

test('stopping leaves no timer', async (t) => {
  const { pools, time } = setUp();
  pools.apply('p', 'dns', [a, b]);
  pools.apply('p', 'dns', [b]);
  t.equal(time.pending(), 1);
  pools.stop();
  t.equal(time.pending(), 0);
});

test('an address that is named twice is one endpoint, as the first naming says', async (t) => {
  const { pools, ids } = setUp();
  pools.apply('p', 'static', [{ ...a, kvCacheTokens: 1000 }, a]);
  t.same(ids(), ['a:8000']);
  t.equal(pools.byId('a:8000')?.kvCacheTokens, 1000);
});

test('an address that comes back while it is held is the same endpoint, with all it knew', async (t) => {
  const { pools, events, time } = setUp();
  pools.apply('p', 'dns', [a, b]);
  const endpoint = pools.byId('a:8000');
  endpoint?.noteProbeSucceeded(0);
  pools.apply('p', 'dns', [b]);
  time.advance(DRAIN_HOLD_MS - 1);
  pools.apply('p', 'dns', [a, b]);
  time.advance(DRAIN_HOLD_MS * 2);
  t.equal(pools.byId('a:8000'), endpoint);
  t.match(endpoint, { draining: false, health: 'healthy' });
  t.notMatch(events.seen, ['left a:8000']);
});

test('an address that comes back after it was dropped starts anew', async (t) => {
  const { pools, time } = setUp();
  pools.apply('p', 'dns', [a]);
  const before = pools.byId('a:8000');
  pools.apply('p', 'dns', []);
  time.advance(DRAIN_HOLD_MS);
  t.equal(pools.byId('a:8000'), undefined);
  pools.apply('p', 'dns', [a]);
  t.not(pools.byId('a:8000'), before);
});

test('an address belongs to the first pool that names it', async (t) => {
  const { pools, ids } = setUp('p', 'q');
  pools.apply('p', 'static', [a]);
  pools.apply('q', 'dns', [a, b]);
  t.same(ids('p'), ['a:8000']);
  t.same(ids('q'), ['b:8000']);
});

test('ready when each pool has a healthy endpoint whose models are known', async (t) => {
  const { pools } = setUp('p', 'q');
  pools.apply('p', 'static', [a]);
  t.same(pools.readiness().reasons, ["pool 'p' has no healthy endpoint", "pool 'q' has no endpoint"]);
  pools.apply('q', 'static', [b]);
  for (const endpoint of pools.all()) endpoint.noteProbeSucceeded(0);
  pools.byId('a:8000')?.noteModels([]);
  t.same(pools.readiness(), { ready: false, reasons: ["pool 'q' has no endpoint that has reported its models"] });
  pools.byId('b:8000')?.noteModels([{ id: 'm', parent: undefined }]);
  t.same(pools.readiness(), { ready: true, reasons: [] });
  pools.byId('b:8000')?.noteUnreachable();
  t.equal(pools.readiness().ready, false);
});

test('an endpoint that joins beside a settled one grows to its share, one of a fleet that starts together does not', async (t) => {
  const { pools, time } = setUp();
  pools.apply('p', 'static', [a, b]);
  for (const endpoint of pools.all()) endpoint.noteProbeSucceeded(time.clock());
  t.same(pools.all().map((endpoint) => endpoint.share(0)), [1, 1]);
  time.advance(10_000);
  pools.apply('p', 'dns', [c]);
  pools.byId('c:8000')?.noteProbeSucceeded(10_000);
  t.same(pools.all().map((endpoint) => endpoint.share(10_000)), [1, 1, 0.1]);
  t.equal(pools.byId('c:8000')?.share(15_000), 0.55);
  t.equal(pools.byId('c:8000')?.share(20_000), 1);
});

const listed = (name: string, ...hosts: string[]) => poolSettings(name, { endpoints: hosts.map((host) => ({ url: `http://${host}:8000` })) });

test('where all addresses of a pool are replaced, the old ones go on until a new one is up, and no longer than a while', async (t) => {
  for (const relieved of [true, false]) {
    const { pools, time } = setUp();
    pools.apply('p', 'static', [a]);
    pools.byId('a:8000')?.noteProbeSucceeded(0);
    pools.apply('p', 'static', [b]);
    t.equal(pools.byId('a:8000')?.draining, false);
    if (relieved) pools.byId('b:8000')?.noteProbeSucceeded(1);
    else time.advance(RELIEF_MS_MAX - 1);
    t.equal(pools.byId('a:8000')?.draining, relieved);
    time.advance(1);
    t.equal(pools.byId('a:8000')?.draining, true);
    time.advance(DRAIN_HOLD_MS);
    t.equal(pools.byId('a:8000'), undefined);
    time.advance(RELIEF_MS_MAX);
    t.equal(time.pending(), 0);
  }
});

test('another configuration adds, drains and moves endpoints, and each keeps what is known of it', async (t) => {
  const { pools, events, ids } = setUp();
  pools.reconfigure([listed('p', 'a', 'b'), listed('q', 'c')]);
  const [first, second, third] = pools.all();
  for (const endpoint of pools.all()) endpoint.noteProbeSucceeded(0);
  pools.reconfigure([{ ...listed('q', 'd', 'a'), apiKey: 'k', inFlightMax: 9 }, listed('p', 'b')]);
  t.same(ids('p'), ['b:8000']);
  t.same(ids('q'), ['a:8000', 'c:8000', 'd:8000']);
  t.equal(pools.byId('a:8000'), first);
  t.match(first, { health: 'healthy', draining: false, settings: { name: 'q', inFlightMax: 9 }, address: { pool: 'q', apiKey: 'k' } });
  t.match(second, { health: 'healthy', draining: false, settings: { name: 'p' } });
  t.match(third, { draining: true, unnamed: true, drainedByAdmin: false });
  t.same(events.seen.filter((seen) => seen.startsWith('joined')), ['joined a:8000', 'joined b:8000', 'joined c:8000', 'joined d:8000']);
});

test('a pool that is no longer configured is not waited for, and is gone with its last endpoint', async (t) => {
  const { pools, time, ids } = setUp();
  pools.reconfigure([listed('p', 'a'), listed('q', 'b')]);
  const lease = takeLease(pools.byId('b:8000')!, 1);
  pools.reconfigure([listed('p', 'a')]);
  pools.byId('a:8000')?.noteProbeSucceeded(0);
  pools.byId('a:8000')?.noteModels([]);
  t.equal(pools.readiness().ready, true);
  t.equal(pools.byId('b:8000')?.draining, true);
  t.same(ids('q'), ['b:8000']);
  lease.return();
  time.advance(DRAIN_HOLD_MS);
  t.same(ids('q'), []);
  t.throws(() => pools.apply('q', 'dns', [b]), /No pool is named 'q'/);
});

test('what DNS found stays until it finds something else, unless the pool is no longer found by it', async (t) => {
  const { pools } = setUp();
  const dns = { name: 'x', type: 'a', port: 8000, scheme: 'http', refreshIntervalMs: 5 } as const;
  pools.reconfigure([{ ...listed('p', 'a'), dns }]);
  pools.apply('p', 'dns', [b]);
  pools.reconfigure([{ ...listed('p', 'a'), dns: { ...dns, name: 'y' } }]);
  t.equal(pools.byId('b:8000')?.draining, false);
  pools.reconfigure([listed('p', 'a')]);
  t.equal(pools.byId('b:8000')?.draining, true);
});

test('drained by an operator is drained until undone, whatever the sources say', async (t) => {
  const { pools } = setUp();
  pools.apply('p', 'static', [a, b]);
  const endpoint = pools.byId('a:8000')!;
  endpoint.drainedByAdmin = true;
  pools.apply('p', 'static', [b]);
  pools.apply('p', 'static', [a, b]);
  t.match(endpoint, { draining: true, unnamed: false });
  endpoint.drainedByAdmin = false;
  t.equal(endpoint.draining, false);
});

test('a pool that is added does not turn the router unready before it was ready itself', async (t) => {
  const { pools } = setUp();
  const up = (id: string): void => {
    pools.byId(id)?.noteProbeSucceeded(0);
    pools.byId(id)?.noteModels([]);
  };
  pools.reconfigure([listed('p', 'a')]);
  pools.reconfigure([listed('p', 'a'), listed('q', 'b')]);
  t.same(pools.readiness().reasons, ["pool 'p' has no healthy endpoint"]);
  up('a:8000');
  t.equal(pools.readiness().ready, true);
  up('b:8000');
  t.equal(pools.readiness().ready, true);
  pools.byId('b:8000')?.noteUnreachable();
  t.same(pools.readiness().reasons, ["pool 'q' has no healthy endpoint"]);
  pools.reconfigure([listed('r', 'c')]);
  t.same(pools.readiness().reasons, ["pool 'r' has no healthy endpoint"], 'with nothing else, it is waited for');
});
