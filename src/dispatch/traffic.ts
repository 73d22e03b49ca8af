// traffic.ts: how much of what an engine serves comes from this router, by its counter of queried tokens.

/** Of what was counted before, kept with each sample. */
const KEPT = 0.9;

export class Traffic {
  #queriedTokens = 0;
  #ourTokens = 0;
  #ourSince = 0;
  #queriesTotal: number | undefined;

  /** The first token of a prompt of ours came. */
  note(promptTokens: number): void {
    this.#ourSince += promptTokens;
  }

  /** `queriesTotal`: the engine's running total, undefined when it has none. One that fell began anew. */
  sample(queriesTotal: number | undefined): void {
    const before = this.#queriesTotal;
    this.#queriesTotal = queriesTotal;
    const ours = this.#ourSince;
    this.#ourSince = 0;
    if (queriesTotal === undefined || before === undefined || queriesTotal < before) return;
    this.#queriedTokens = this.#queriedTokens * KEPT + queriesTotal - before;
    this.#ourTokens = this.#ourTokens * KEPT + ours;
  }

  /** Share (0..1) of the queried tokens that others sent, lately; 0 where nothing is known. */
  get othersRatio(): number {
    return this.#queriedTokens === 0 ? 0 : Math.max(0, 1 - this.#ourTokens / this.#queriedTokens);
  }
}
