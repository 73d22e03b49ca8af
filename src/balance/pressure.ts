// pressure.ts: what inserting into a cache costs those who use it.

/** One available endpoint's cache, at the moment of a choice. */
export interface CacheRoom {
  readonly capacityTokens: number;
  /** What the cache takes without evicting. */
  readonly roomTokens: number;
  /** What this request would insert. */
  readonly insertedTokens: number;
  /** Age of the block to be evicted next; Infinity when there is none. */
  readonly tailAgeMs: number;
}

const TAIL_AGE_MIN_MS = 1;

/**
 * For each cache 0..1: of the full ones, the youngest tail age among them divided by its own; of the others, the least of those (1 where
 * none is full) times the share that is filled beyond the emptiest one's.
 *
 * A young tail means that the cache turns over fast: what is evicted there was in use. What is inserted where there is room evicts nothing
 * yet, but it takes room that conversations will grow into: without the share, users who have a system prompt in common fill the endpoints
 * that hold it before the others get any (bench/quiet: hit ratio 0.93, and 0.98 with it).
 */
export function pressures(caches: readonly CacheRoom[]): number[] {
  let youngestMs = Infinity;
  let oldestMs = 0;
  let leastFilled = 1;
  for (const cache of caches) {
    if (isFull(cache)) {
      youngestMs = Math.min(youngestMs, boundedAgeMs(cache));
      oldestMs = Math.max(oldestMs, boundedAgeMs(cache));
    } else leastFilled = Math.min(leastFilled, filledShare(cache));
  }
  const leastPressure = oldestMs === 0 ? 1 : youngestMs / oldestMs;
  const found: number[] = [];
  for (const cache of caches) found.push(isFull(cache) ? youngestMs / boundedAgeMs(cache) : leastPressure * (filledShare(cache) - leastFilled));
  return found;
}

/** More may be confirmed than the capacity has become. */
function filledShare({ capacityTokens, roomTokens }: CacheRoom): number {
  const used = capacityTokens - roomTokens;
  return used <= 0 ? 0 : Math.min(1, used / capacityTokens);
}

/** A cache with nothing to evict costs nobody anything, however small it is. */
function isFull(cache: CacheRoom): boolean {
  return cache.roomTokens < cache.insertedTokens && cache.tailAgeMs < Infinity;
}

function boundedAgeMs(cache: CacheRoom): number {
  return Math.max(TAIL_AGE_MIN_MS, cache.tailAgeMs);
}
