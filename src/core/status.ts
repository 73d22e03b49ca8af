// status.ts: what people and metrics may see of an endpoint, as plain data.

/** One endpoint at one moment. Totals count since the process started. */
export interface EndpointStatus {
  readonly id: string;
  readonly pool: string;
  readonly available: boolean;
  /** Why it is not available: `unhealthy`, `ejected`, `draining`, `full`; empty when it is. */
  readonly unavailableBecause: string;
  /** Who drains it: an operator, its sources that no longer name it, or both. */
  readonly drainingBy: readonly ('admin' | 'source')[];
  readonly models: readonly string[];
  readonly inFlight: number;
  /** Estimated uncached prompt tokens of the requests sent there whose first token has not come. */
  readonly queuedPromptTokens: number;
  readonly ejections: number;
  readonly index: {
    readonly tokens: number;
    /** What its KV cache is thought to hold: as told, until reports showed otherwise. */
    readonly capacityTokens: number;
    /** What the configuration or else the engine says; undefined when neither does. */
    readonly toldCapacityTokens: number | undefined;
    readonly blocks: number;
    readonly bytes: number;
    /** How often the cache was found or known to be empty. */
    readonly forgets: number;
    /** How often the capacity was corrected. */
    readonly corrections: number;
  };
  /** The last scrape; undefined before the first. */
  readonly load:
    | { readonly ageMs: number; readonly running: number; readonly waiting: number; readonly kvUsage: number; readonly blockSize: number | undefined }
    | undefined;
  /** Tokens, over the answers that reported their cached tokens. */
  readonly reported: {
    readonly answers: number;
    readonly promptTokens: number;
    readonly predictedCachedTokens: number;
    readonly cachedTokens: number;
    /** Sum of the absolute differences. */
    readonly errorTokens: number;
    /** Mean absolute error as a share of prompt tokens, of all these answers and of some hundred recent ones. */
    readonly errorRatio: number;
    readonly recentErrorRatio: number;
  };
}

/** What answers have taught about one model, under the name that endpoints serve it by. */
export interface ModelStatus {
  readonly id: string;
  readonly bytesPerToken: number;
  /** Tokens that the chat template adds to a message. */
  readonly messageTokens: number;
  readonly meanAnswerTokens: number;
  /** Whether an answer that comes back in a conversation counts as held. */
  readonly answersAreReused: boolean;
}
