// status.ts: what people and metrics may see of an endpoint, as plain data.

/** One endpoint at one moment. Totals count since the process started. */
export interface EndpointStatus {
  readonly id: string;
  readonly pool: string;
  readonly available: boolean;
  /** Why it is not available: `unhealthy`, `ejected`, `draining`, `full`; empty when it is. */
  readonly unavailableBecause: string;
  readonly models: readonly string[];
  readonly inFlight: number;
  /** Estimated uncached prompt tokens of the requests sent there whose first token has not come. */
  readonly queuedPromptTokens: number;
  readonly ejections: number;
  readonly index: { readonly tokens: number; readonly capacityTokens: number; readonly blocks: number; readonly bytes: number };
  /** The last scrape; undefined before the first. */
  readonly load:
    | { readonly ageMs: number; readonly running: number; readonly waiting: number; readonly kvUsage: number; readonly blockSize: number | undefined }
    | undefined;
  /** Tokens, over the answers that reported their cached tokens. */
  readonly reported: { readonly promptTokens: number; readonly predictedCachedTokens: number; readonly cachedTokens: number; readonly errorTokens: number };
}
