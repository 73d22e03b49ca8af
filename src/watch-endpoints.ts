// watch-endpoints.ts: discovery and monitoring of all pools, telling the estimates and the log what they find.

import { isDeepStrictEqual } from 'node:util';
import { createConnector } from './connector.ts';
import type { Estimates } from './dispatch/estimates.ts';
import type { Log } from './observe/log.ts';
import { addressId, staticAddresses, type SourceAddress } from './pool/address.ts';
import { discover } from './pool/discovery.ts';
import { createDnsLookup, type DnsClient } from './pool/dns.ts';
import { CONNECT_TIMEOUT_MS, createHttpGet } from './pool/http-get.ts';
import { createMonitor } from './pool/monitor.ts';
import { Pools, type PoolEvents } from './pool/pools.ts';
import type { Rhythm } from './pool/schedule.ts';
import type { DnsSettings, PoolSettings } from './pool/settings.ts';

export interface WatchDeps {
  readonly rhythm: Rhythm;
  readonly estimates: Estimates;
  readonly log: Log;
  /** One for each look-up. */
  readonly dnsClient: () => DnsClient;
}

export interface WatchedEndpoints {
  readonly pools: Pools;
  /** Takes over other pools. What is known of an address stays; a look-up whose settings are the same goes on. */
  reconfigure(settings: readonly PoolSettings[]): void;
  stop(): void;
}

/** Begins at once; the first probes are on their way when this returns. */
export function watchEndpoints(settings: readonly PoolSettings[], deps: WatchDeps): WatchedEndpoints {
  const { rhythm, estimates, log } = deps;
  const http = createHttpGet(createConnector({ connectMs: CONNECT_TIMEOUT_MS, tlsOf: (id) => pools.byId(id)?.settings.tls }));
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
    onHalted(endpoint, halted) {
      // An engine that goes to sleep gives its cache away.
      if (halted === 'asleep') estimates.forget(endpoint);
      log.endpointHalted(endpoint.address, halted);
    },
    onPanic: (pool, panics) => log.poolPanic(pool, panics),
    onRestart(endpoint) {
      estimates.forget(endpoint);
      log.endpointRestarted(endpoint.address);
    },
    onSample: (endpoint) => estimates.noteSample(endpoint),
  };
  const pools = new Pools([], events, rhythm.clock, rhythm.schedule);
  let configured: readonly PoolSettings[] = [];
  const lookUps = new Map<string, LookUp>();

  function reconfigure(next: readonly PoolSettings[]): void {
    for (const pool of next) tellStaticChanges(pool, configured.find(({ name }) => name === pool.name), log);
    configured = next;
    pools.reconfigure(next);
    for (const [name, { dns, end }] of lookUps) {
      if (isDeepStrictEqual(next.find((pool) => pool.name === name)?.dns, dns)) continue;
      end();
      lookUps.delete(name);
    }
    for (const { name, dns } of next) if (dns !== undefined && !lookUps.has(name)) lookUps.set(name, followDns(name, dns, pools, deps));
  }

  reconfigure(settings);
  return {
    pools,
    reconfigure,
    stop() {
      for (const { end } of lookUps.values()) end();
      monitor.stop();
      pools.stop();
      void http.close();
    },
  };
}

interface LookUp {
  readonly dns: DnsSettings;
  /** No set is applied after it. */
  readonly end: () => void;
}

/** Applies each set that DNS gives for the pool. */
function followDns(pool: string, dns: DnsSettings, pools: Pools, { rhythm, log, dnsClient }: WatchDeps): LookUp {
  let known: readonly string[] = [];
  const onFound = (addresses: readonly SourceAddress[]): void => {
    const found = addresses.map(addressId);
    tellChanges(pool, known, found, log);
    known = found;
    pools.apply(pool, 'dns', addresses);
  };
  const events = { onFound, onProblem: (why: string) => log.discoveryFailed(pool, dns.name, why) };
  return { dns, end: discover(createDnsLookup(dns, dnsClient()), dns.refreshIntervalMs, events, rhythm) };
}

/** Nothing is told of a pool that is new: its endpoints come up one by one. */
function tellStaticChanges({ name, endpoints }: PoolSettings, before: PoolSettings | undefined, log: Log): void {
  if (before !== undefined) tellChanges(name, staticAddresses(before.endpoints).map(addressId), staticAddresses(endpoints).map(addressId), log);
}

function tellChanges(pool: string, before: readonly string[], after: readonly string[], log: Log): void {
  const [known, found] = [new Set(before), new Set(after)];
  const [added, removed] = [[...found.difference(known)], [...known.difference(found)]];
  if (added.length > 0 || removed.length > 0) log.endpointsChanged(pool, added, removed);
}
