// stretch.ts: neighbouring blocks of a prompt that a cache used together, and what is believed of them.

export interface Stretch {
  /**
   * `idle`: held, and nobody's now, so the engine may have evicted it. `busy`: held, and in use by a running request. `provisional`: under
   * way, which proves nothing. `ghost`: a cache of the assumed size would have evicted it.
   */
  readonly kind: 'idle' | 'busy' | 'provisional' | 'ghost';
  readonly bucket: number;
  /** Tokens that the cache used since. */
  readonly distanceTokens: number;
  /** On the dispatcher's clock, modulo 2³² ms; of a ghost 0. */
  readonly confirmedAtMs: number;
  /** Where its first block begins inside a message, the tokens up to that block's end: whatever is found of that block may be held for others. */
  readonly doubtfulEnd?: number | undefined;
  /** Tokens of the prompt up to the end of the stretch. */
  tokensEnd: number;
}
