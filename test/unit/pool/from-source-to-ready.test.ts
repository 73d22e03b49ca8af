// from-source-to-ready.test.ts: the whole room at once, from addresses to endpoints that are up, over real sockets.

import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Test, test } from 'tap';
import { staticAddresses } from '../../../src/pool/address.ts';
import { discover, type DiscoveryEvents } from '../../../src/pool/discovery.ts';
import { createDnsLookup, type DnsClient } from '../../../src/pool/dns.ts';
import { createHttpGet } from '../../../src/pool/http-get.ts';
import { createMonitor } from '../../../src/pool/monitor.ts';
import { type PoolEvents, Pools } from '../../../src/pool/pools.ts';
import { timers } from '../../../src/pool/schedule.ts';
import type { PoolSettings } from '../../../src/pool/settings.ts';
import { startDnsServer } from './dns-server.ts';
import { poolSettings } from './fixture.ts';

async function startEngine(t: Test): Promise<number> {
  const server = createServer((request, response) => void response.end(request.url === '/v1/models' ? '{"data":[{"id":"m"}]}' : ''));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** Everything that watches pools, on real time. `next` resolves at the next change of the kind. */
function run(t: Test, settings: readonly PoolSettings[], client: DnsClient) {
  const rhythm = { clock: () => performance.now(), random: () => 0.5, schedule: timers };
  const changes = new EventEmitter();
  const { get, close } = createHttpGet();
  const monitor = createMonitor(get, rhythm);
  const events: PoolEvents = {
    onJoined: (endpoint) => {
      monitor.watch(endpoint);
      changes.emit('joined', endpoint);
    },
    onLeft: (endpoint) => monitor.unwatch(endpoint),
    onHealth: (endpoint, up) => void changes.emit(up ? 'up' : 'down', endpoint),
    onEjected: () => {},
    onReturned: () => {},
    onHalted: () => {},
    onPanic: () => {},
    onRestart: () => {},
    onSample: () => {},
  };
  const pools = new Pools(settings, events, rhythm.clock, timers);
  for (const { name, endpoints } of settings) pools.apply(name, 'static', staticAddresses(endpoints));
  const ends = settings.map(({ name, dns }) => {
    if (dns === undefined) return () => {};
    const found: DiscoveryEvents = { onFound: (addresses) => pools.apply(name, 'dns', addresses), onProblem: (why) => void changes.emit('problem', why) };
    return discover(createDnsLookup(dns, client), dns.refreshIntervalMs, found, rhythm);
  });
  t.teardown(async () => {
    for (const end of ends) end();
    monitor.stop();
    pools.stop();
    await close();
  });
  return { pools, next: (change: string) => once(changes, change) };
}

test('static and discovered endpoints come up and the pools are ready', async (t) => {
  const { replies, client } = await startDnsServer(t);
  replies.set('A vllm.test', [{ address: '127.0.0.1', ttl: 300 }]);
  const [listed, found] = [await startEngine(t), await startEngine(t)];
  const settings = [
    poolSettings('p', { endpoints: [{ url: `http://127.0.0.1:${listed}`, kvCacheTokens: 4000 }], apiKey: '' }),
    poolSettings('q', { dns: { name: 'vllm.test', type: 'a', port: found, scheme: 'http', refreshIntervalMs: 5000 }, apiKey: 'secret' }),
  ];
  const { pools, next } = run(t, settings, client);
  t.match(pools.endpoints('p'), [{ kvCacheTokens: 4000 }], 'static endpoints are there at once');
  t.same(pools.endpoints('q'), []);
  while (!pools.readiness().ready) await next('up');
  t.match(pools.all().map(({ address }) => address), [
    { id: `127.0.0.1:${listed}`, pool: 'p', origin: `http://127.0.0.1:${listed}`, apiKey: undefined },
    { id: `127.0.0.1:${found}`, pool: 'q', origin: `http://127.0.0.1:${found}`, apiKey: 'secret' },
  ]);
});

test('what DNS stops naming drains, and nothing does while DNS fails', async (t) => {
  const { replies, client } = await startDnsServer(t);
  replies.set('A vllm.test', [{ address: '127.0.0.1', ttl: 0 }]);
  const settings = [poolSettings('p', { dns: { name: 'vllm.test', type: 'a', port: 9, scheme: 'http', refreshIntervalMs: 5 } })];
  const { pools, next } = run(t, settings, client);
  await next('joined');
  replies.set('A vllm.test', 'SERVFAIL');
  t.same(await next('problem'), ['ESERVFAIL']);
  t.equal(pools.byId('127.0.0.1:9')?.draining, false);
  replies.set('A vllm.test', [{ address: '127.0.0.2', ttl: 0 }]);
  await next('joined');
  t.equal(pools.byId('127.0.0.1:9')?.draining, true);
  t.equal(pools.byId('127.0.0.2:9')?.draining, false);
});
