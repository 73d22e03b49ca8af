// pressure.ts: what inserting into a cache costs those who use it.

/** One available endpoint's cache, at the moment of a choice. */
export interface CacheRoom {
  /** What the cache takes without evicting. */
  readonly roomTokens: number;
  /** What this request would insert. */
  readonly insertedTokens: number;
  /** Age of the block to be evicted next; Infinity when there is none. */
  readonly tailAgeMs: number;
}

const TAIL_AGE_MIN_MS = 1;

/**
 * For each cache 0..1: 0 while the request fits, else the youngest tail age among the full ones divided by its own.
 *
 * A young tail means that the cache turns over fast: what is evicted there was in use.
 */
export function pressures(caches: readonly CacheRoom[]): number[] {
  let youngestMs = Infinity;
  for (const cache of caches) {
    if (isFull(cache)) youngestMs = Math.min(youngestMs, boundedAgeMs(cache));
  }
  return caches.map((cache) => (isFull(cache) ? youngestMs / boundedAgeMs(cache) : 0));
}

/** A cache with nothing to evict costs nobody anything, however small it is. */
function isFull(cache: CacheRoom): boolean {
  return cache.roomTokens < cache.insertedTokens && cache.tailAgeMs < Infinity;
}

function boundedAgeMs(cache: CacheRoom): number {
  return Math.max(TAIL_AGE_MIN_MS, cache.tailAgeMs);
}
