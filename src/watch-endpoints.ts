// watch-endpoints.ts: discovery and monitoring of all pools, telling the estimates and the log what they find.

import type { Estimates } from './dispatch/estimates.ts';
import type { Log } from './observe/log.ts';
import { addressId, staticAddresses, type SourceAddress } from './pool/address.ts';
import { discover } from './pool/discovery.ts';
import { createDnsLookup, systemDnsClient } from './pool/dns.ts';
import { createHttpGet } from './pool/http-get.ts';
import { createMonitor } from './pool/monitor.ts';
import { Pools, type PoolEvents } from './pool/pools.ts';
import type { Rhythm } from './pool/schedule.ts';
import type { PoolSettings } from './pool/settings.ts';

export interface WatchedEndpoints {
  readonly pools: Pools;
  stop(): void;
}

/** Begins at once; the first probes are on their way when this returns. */
export function watchEndpoints(settings: readonly PoolSettings[], rhythm: Rhythm, estimates: Estimates, log: Log): WatchedEndpoints {
  const http = createHttpGet();
  const monitor = createMonitor(http.get, rhythm);
  const events: PoolEvents = {
    onJoined: (endpoint) => monitor.watch(endpoint),
    onLeft(endpoint) {
      monitor.unwatch(endpoint);
      estimates.drop(endpoint);
    },
    onHealth: (endpoint, up, why) => log.endpointHealth(endpoint.address, up, why),
    onEjected(endpoint, why) {
      log.endpointEjected(endpoint.address, why);
      monitor.hurry(endpoint);
    },
    onReturned: (endpoint) => log.endpointReturned(endpoint.address),
    onHalted: (endpoint, halted) => log.endpointHalted(endpoint.address, halted),
    onPanic: (pool, panics) => log.poolPanic(pool, panics),
    onRestart(endpoint) {
      estimates.forget(endpoint);
      log.endpointRestarted(endpoint.address);
    },
    onSample: (endpoint) => estimates.noteSample(endpoint),
  };
  const pools = new Pools(settings, events, rhythm.clock, rhythm.schedule);
  for (const pool of settings) pools.apply(pool.name, 'static', staticAddresses(pool.endpoints));
  const discoveries = settings.map((pool) => followDns(pool, pools, rhythm, log));
  return {
    pools,
    stop() {
      for (const end of discoveries) end();
      monitor.stop();
      pools.stop();
      void http.close();
    },
  };
}

/** Applies each set that DNS gives for the pool, if it is found by DNS. Gives the function that ends it. */
function followDns({ name, dns }: PoolSettings, pools: Pools, rhythm: Rhythm, log: Log): () => void {
  if (dns === undefined) return () => {};
  let known = new Set<string>();
  const onFound = (addresses: readonly SourceAddress[]): void => {
    const found = new Set(addresses.map(addressId));
    const added = [...found.difference(known)];
    const removed = [...known.difference(found)];
    known = found;
    if (added.length > 0 || removed.length > 0) log.endpointsChanged(name, added, removed);
    pools.apply(name, 'dns', addresses);
  };
  const events = { onFound, onProblem: (why: string) => log.discoveryFailed(name, dns.name, why) };
  return discover(createDnsLookup(dns, systemDnsClient()), dns.refreshIntervalMs, events, rhythm);
}
