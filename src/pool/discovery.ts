// discovery.ts: keeps asking DNS who is in a pool, apart from any request's path.

import { addressId, type SourceAddress } from './address.ts';
import type { DnsLookup } from './dns.ts';
import { isMetadataAddress } from './metadata-address.ts';
import { repeat, type Rhythm } from './schedule.ts';

export interface DiscoveryEvents {
  /** The whole set, never empty, after each look-up that found one. */
  onFound(addresses: readonly SourceAddress[]): void;
  /** Why there is no set, or part of it is left out or old. Told when it changes, not at each look-up. */
  onProblem(why: string): void;
}

/** The shortest time between two look-ups, whatever the records say, and the time after which a failed one is repeated. */
const LOOKUP_INTERVAL_MS_MIN = 1000;

/**
 * Looks up at once, and again when the records expire, at the latest after `refreshIntervalMs`.
 *
 * A failed or empty look-up reports no set, so the last one stays. Gives the function that ends it.
 */
export function discover(lookup: DnsLookup, refreshIntervalMs: number, events: DiscoveryEvents, rhythm: Rhythm): () => void {
  let stopped = false;
  let lastProblem = '';

  function tell(problem: string): void {
    if (problem !== '' && problem !== lastProblem) events.onProblem(problem);
    lastProblem = problem;
  }

  async function poll(): Promise<number> {
    const result = await lookup.run();
    if (stopped) return refreshIntervalMs;
    if (result.kind === 'failed') {
      tell(result.why);
      return Math.min(LOOKUP_INTERVAL_MS_MIN, refreshIntervalMs);
    }
    const [forbidden, allowed] = split(result.addresses);
    tell(forbidden.length === 0 ? result.problem : `refused as metadata addresses: ${forbidden.map(addressId).toSorted().join(', ')}`);
    if (allowed.length > 0) events.onFound(allowed);
    return Math.min(Math.max(result.ttlMs ?? refreshIntervalMs, LOOKUP_INTERVAL_MS_MIN), refreshIntervalMs);
  }

  const polls = repeat(poll, 0, rhythm);
  return () => {
    stopped = true;
    polls.end();
    lookup.cancel();
  };
}

function split(addresses: readonly SourceAddress[]): [forbidden: SourceAddress[], allowed: SourceAddress[]] {
  return [addresses.filter(({ host }) => isMetadataAddress(host)), addresses.filter(({ host }) => !isMetadataAddress(host))];
}
