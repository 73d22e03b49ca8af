// last-minute.ts: what became of the requests of the last minute, in numbers for people.

/** Requests that ended within the last 50 to 60 seconds. */
export interface Recent {
  readonly requestsPerS: number;
  /** Half of the requests, and 9 of 10, had their first token within so long; undefined when none had one. Right to about 10 %. */
  readonly timeToFirstTokenP50Ms: number | undefined;
  readonly timeToFirstTokenP90Ms: number | undefined;
  /** Shares (0..1) of prompt tokens; undefined where there were none. `reported` and `error` are over the answers that say what they reused. */
  readonly predictedHitRatio: number | undefined;
  readonly reportedHitRatio: number | undefined;
  /** Mean absolute error of what was predicted. */
  readonly errorRatio: number | undefined;
}

/** Tokens of complete requests since the process started. */
export interface PromptTotals {
  readonly promptTokens: number;
  /** As reported, else as predicted. */
  readonly notRecomputedTokens: number;
}

/** Undefined: nothing ended there yet. */
export interface LastMinute {
  ofListener(name: string): (Recent & PromptTotals) | undefined;
  ofEndpoint(id: string): Recent | undefined;
}
