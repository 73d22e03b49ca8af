// load-sample.ts: what an engine says about itself in one scrape.

/** One scrape of one endpoint, summed over its engines. A field is undefined when the engine does not export it. */
export interface LoadSample {
  /** On the clock of the process, not the engine's. */
  readonly atMs: number;
  readonly running: number | undefined;
  readonly waiting: number | undefined;
  /** Share of the KV cache in use by running requests (0..1), the mean of the engines. What is cached but free counts as free. */
  readonly kvUsage: number | undefined;
  /** Tokens in a block. */
  readonly blockSize: number | undefined;
  /** Tokens that fit into the KV cache. */
  readonly capacityTokens: number | undefined;
  readonly prefixQueriesTotal: number | undefined;
  readonly prefixHitsTotal: number | undefined;
  /** Unix time in seconds. */
  readonly processStartS: number | undefined;
}

/** Whether the engine's process began anew between the two samples: its start moved, or what can only grow fell. */
export function restartedBetween(before: LoadSample, after: LoadSample): boolean {
  return (
    (before.processStartS !== undefined && after.processStartS !== undefined && before.processStartS !== after.processStartS) ||
    fell(before.prefixQueriesTotal, after.prefixQueriesTotal) ||
    fell(before.prefixHitsTotal, after.prefixHitsTotal)
  );
}

function fell(before: number | undefined, after: number | undefined): boolean {
  return before !== undefined && after !== undefined && after < before;
}
