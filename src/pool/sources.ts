// sources.ts: fills the pools from what their configuration names.

import { type SourceAddress, staticAddresses } from './address.ts';
import { discover } from './discovery.ts';
import { createDnsLookup, type DnsClient } from './dns.ts';
import type { Pools } from './pools.ts';
import type { Rhythm } from './schedule.ts';
import type { PoolSettings } from './settings.ts';

/** Static endpoints join before this returns; those found by DNS as they are found. Gives the function that ends the look-ups. */
export function fillPools(
  pools: Pools,
  settings: readonly PoolSettings[],
  parts: { readonly dns: DnsClient; readonly rhythm: Rhythm; readonly onProblem: (pool: string, why: string) => void },
): () => void {
  const ends: (() => void)[] = [];
  for (const { name, endpoints, dns } of settings) {
    pools.apply(name, 'static', staticAddresses(endpoints));
    if (dns === undefined) continue;
    const events = {
      onFound: (addresses: readonly SourceAddress[]) => pools.apply(name, 'dns', addresses),
      onProblem: (why: string) => parts.onProblem(name, `DNS look-up of ${dns.name}: ${why}`),
    };
    ends.push(discover(createDnsLookup(dns, parts.dns), dns.refreshIntervalMs, events, parts.rhythm));
  }
  return () => {
    for (const end of ends) end();
    parts.dns.servers.cancel();
  };
}
