// evidence.ts: what an engine's reports say about the size of its cache, and whether it still holds what it held.

import type { Stretch } from './stretch.ts';

/** What follows from one report. */
export type Lesson = { readonly kind: 'nothing' } | { readonly kind: 'capacity'; readonly tokens: number } | { readonly kind: 'forget' };

/** One answer's report, beside what was believed when its request was dispatched. */
export interface Report {
  readonly stretches: readonly Stretch[];
  readonly cachedTokens: number;
  /** By how much estimate and report may differ without meaning anything. */
  readonly slackTokens: number;
  readonly dispatchedMs: number;
  /** Tells prompts apart: a hash of the whole one. */
  readonly prompt: number;
  readonly capacityTokens: number;
}

const NOTHING: Lesson = { kind: 'nothing' };
/** The largest proved distance halves in about 1,400 reports: engines change, and what was proved once is not true for ever. */
const PROVED_KEPT = 0.9995;
/** With two, engines that miss 2 % of the prompts for reasons of their own were forgotten often enough to double the error. */
const EMPTY_AFTER_PROMPTS = 3;

/**
 * Learns from the distances at which an engine's cache hits and misses; a distance is how many tokens the cache used since.
 *
 * A hit proves that the cache is at least so large. A miss counts as eviction only beyond the largest proved distance: nearer it has
 * another reason, and shrinking the cache for it would throw away what is there. Where nothing that was held before is reported, for
 * three different prompts in a row, the cache has been emptied.
 */
export class Evidence {
  #provedTokens = 0;
  /** Since when, and by which prompts, it looks as if the cache had been emptied. */
  #suspicion: { readonly sinceMs: number; readonly prompts: Set<number> } | undefined;

  judge(report: Report): Lesson {
    this.#provedTokens *= PROVED_KEPT;
    const { hits, missed } = divide(report);
    const ghost = this.#prove(hits);
    if (ghost !== undefined && ghost > report.capacityTokens) return { kind: 'capacity', tokens: ghost };
    if (missed?.kind !== 'idle') return NOTHING;
    if (missed.distanceTokens > this.#provedTokens) {
      return { kind: 'capacity', tokens: Math.max(this.#provedTokens, (report.capacityTokens + missed.distanceTokens) / 2) };
    }
    return this.#suspect(hits, report);
  }

  /** The cache is known to be empty. */
  forget(): void {
    this.#suspicion = undefined;
  }

  /** Takes what the hits prove; gives the distance of the farthest ghost among them. */
  #prove(hits: readonly Stretch[]): number | undefined {
    let ghost: number | undefined;
    for (const { kind, distanceTokens, confirmedAtMs } of hits) {
      if (kind === 'busy') continue;
      this.#provedTokens = Math.max(this.#provedTokens, distanceTokens);
      if (kind === 'ghost') ghost = Math.max(ghost ?? 0, distanceTokens);
      // Something from before the suspicion is still there.
      if (this.#suspicion !== undefined && (kind === 'ghost' || isBefore(confirmedAtMs, this.#suspicion.sinceMs))) this.#suspicion = undefined;
    }
    return ghost;
  }

  #suspect(hits: readonly Stretch[], { dispatchedMs, prompt }: Report): Lesson {
    if (this.#suspicion === undefined) {
      if (hits.some(({ kind }) => kind !== 'busy')) return NOTHING;
      this.#suspicion = { sinceMs: dispatchedMs, prompts: new Set() };
    }
    const { prompts } = this.#suspicion;
    prompts.add(prompt);
    return prompts.size < EMPTY_AFTER_PROMPTS ? NOTHING : { kind: 'forget' };
  }
}

/**
 * The stretches that were found for certain, and the first that was missed for certain. What the slack could explain is neither: a
 * stretch shorter than that says something only by what lies behind it.
 */
function divide({ stretches, cachedTokens, slackTokens }: Report): { hits: readonly Stretch[]; missed: Stretch | undefined } {
  let hits = 0;
  let missed: Stretch | undefined;
  let start = 0;
  for (const [at, { tokensEnd }] of stretches.entries()) {
    if (cachedTokens >= tokensEnd - Math.min(slackTokens, (tokensEnd - start) / 2)) hits = at + 1;
    else if (cachedTokens < tokensEnd - slackTokens) {
      missed = stretches[at];
      break;
    }
    start = tokensEnd;
  }
  return { hits: stretches.slice(0, hits), missed };
}

/** Both modulo 2³² ms. */
function isBefore(confirmedAtMs: number, sinceMs: number): boolean {
  return (((sinceMs | 0) - confirmedAtMs) | 0) > 0;
}
