// recency.ts: how many tokens a cache used after it used something, without walking a list.

const BUCKETS = 1024;
/** A bucket takes this share of the capacity, which is how exact distances are. The buckets reach back over 16 capacities of use. */
const BUCKET_SHARE = 1 / 64;

/**
 * Keeps how many of the tokens that are there were last used in which stretch of use.
 *
 * What is used enters the newest bucket and must leave the bucket it was in. Buckets are numbered from the first on; those that the
 * ring has left behind are one.
 */
export class Recency {
  readonly #ring = new Float64Array(BUCKETS);
  #newest = 0;
  #ancient = 0;
  #bucketTokens = 1;

  /** Sets how exact distances are, from here on. */
  setCapacity(tokens: number): void {
    this.#bucketTokens = Math.max(1, tokens * BUCKET_SHARE);
  }

  /** Tokens that are used now; gives the bucket to leave later. */
  enter(tokens: number): number {
    if (this.#ring[this.#newest % BUCKETS]! >= this.#bucketTokens) {
      this.#newest += 1;
      const slot = this.#newest % BUCKETS;
      this.#ancient += this.#ring[slot]!;
      this.#ring[slot] = 0;
    }
    this.#ring[this.#newest % BUCKETS]! += tokens;
    return this.#newest;
  }

  leave(bucket: number, tokens: number): void {
    if (bucket <= this.#newest - BUCKETS) this.#ancient -= tokens;
    else this.#ring[bucket % BUCKETS]! -= tokens;
  }

  /** Tokens that were used after those of this bucket; of its own and of what is ancient half is taken to be younger. */
  younger(bucket: number): number {
    const oldest = Math.max(0, this.#newest - BUCKETS + 1, bucket + 1);
    let sum = 0;
    for (let i = this.#newest; i >= oldest; i -= 1) sum += this.#ring[i % BUCKETS]!;
    return sum + (bucket <= this.#newest - BUCKETS ? this.#ancient : this.#ring[bucket % BUCKETS]!) / 2;
  }

  clear(): void {
    this.#ring.fill(0);
    this.#newest = 0;
    this.#ancient = 0;
  }
}
