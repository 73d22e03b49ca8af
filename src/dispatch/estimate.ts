// estimate.ts: what is believed about one endpoint, beyond what its pool knows: its cache, and the work that waits there.

import type { Usage } from '../core/dispatcher.ts';
import type { Endpoint } from '../pool/endpoint.ts';
import type { Branches } from '../prefix/branches.ts';
import { PrefixIndex } from '../prefix/prefix-index.ts';

/** When neither the configuration nor the engine says: too large costs less than too small. */
const CAPACITY_ASSUMED_TOKENS = 500_000;
const BLOCK_SIZE_ASSUMED_TOKENS = 16;

/** Sums over the answers that reported their cached tokens. */
export interface ReportedTotals {
  promptTokens: number;
  predictedCachedTokens: number;
  cachedTokens: number;
  errorTokens: number;
}

export class Estimate {
  readonly endpoint: Endpoint;
  readonly index: PrefixIndex;
  /** Uncached prompt tokens of the requests whose first token has not come. */
  queuedTokens = 0;
  readonly reported: ReportedTotals = { promptTokens: 0, predictedCachedTokens: 0, cachedTokens: 0, errorTokens: 0 };
  readonly #configuredTokens: number | 'auto';

  constructor(endpoint: Endpoint, kvCacheTokens: number | 'auto', branches: Branches) {
    this.endpoint = endpoint;
    this.#configuredTokens = endpoint.kvCacheTokens ?? kvCacheTokens;
    this.index = new PrefixIndex(this.#wantedCapacity(), branches);
  }

  /** Tokens in one of the engine's blocks. */
  get blockSize(): number {
    return this.endpoint.samples.at(-1)?.blockSize ?? BLOCK_SIZE_ASSUMED_TOKENS;
  }

  /** Takes over what the engine has reported since. */
  refresh(): void {
    const wanted = this.#wantedCapacity();
    if (wanted !== this.index.capacityTokens) this.index.setCapacityTokens(wanted);
  }

  /** Compares what was predicted with what came. */
  compare(predictedCachedTokens: number, usage: Usage | undefined): void {
    if (usage?.cachedTokens === undefined) return;
    this.reported.promptTokens += usage.promptTokens;
    this.reported.predictedCachedTokens += predictedCachedTokens;
    this.reported.cachedTokens += usage.cachedTokens;
    this.reported.errorTokens += Math.abs(predictedCachedTokens - usage.cachedTokens);
  }

  /** Requests of others on an endpoint that is shared: the gauges lag, so the least of the last samples, less our own. */
  foreignInFlight(): number {
    if (!this.endpoint.settings.shared || this.endpoint.samples.length === 0) return 0;
    let least = Infinity;
    for (const sample of this.endpoint.samples) least = Math.min(least, (sample.running ?? 0) + (sample.waiting ?? 0));
    return Math.max(0, least - this.endpoint.inFlight);
  }

  #wantedCapacity(): number {
    if (this.#configuredTokens !== 'auto') return this.#configuredTokens;
    return this.endpoint.samples.at(-1)?.capacityTokens ?? this.index?.capacityTokens ?? CAPACITY_ASSUMED_TOKENS;
  }
}
