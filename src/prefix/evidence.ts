// evidence.ts: what an engine's reports say about the size of its cache, and whether it still holds what it held.

import { Doubt, isUnused, refutes } from './doubt.ts';
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
  readonly endedMs: number;
  /** Of requests that had been dispatched before and whose first token had not come. Distances count them, though an engine may have refused them. */
  readonly provisionalTokens: number;
  /** Tells prompts apart: a hash of the whole one. */
  readonly prompt: number;
  readonly capacityTokens: number;
  /** What the configuration or the engine says that the cache holds. */
  readonly toldTokens?: number | undefined;
}

interface Suspicion {
  /** Dispatch of the first request that found nothing. */
  sinceMs: number;
  /** When that was heard. */
  readonly heardMs: number;
  /** Those that found nothing. */
  readonly prompts: Set<number>;
}

const NOTHING: Lesson = { kind: 'nothing' };
/** The largest proved distance halves in about 1,400 reports: engines change, and what was proved once is not true for ever. */
const PROVED_KEPT = 0.9995;
/** What is missing this far within the proved distance was not evicted, however much an engine took in while the request waited. */
const NEAR_SHARE = 3 / 4;
/** One prompt that is lost for other reasons looks like eviction; two in a row, with nothing found so far away, hardly do. */
const SHORTFALLS_MIN = 2;
/** Distances are rough: a ghost that is there proves nothing against what was told before it lies this far beyond. */
const TOLD_EXCEEDED_MIN = 1.05;
/** So many misses in a row say that it was right all the same: else one wrong proof would be believed until it fades. */
const BEYOND_TOLD_MAX = 3;
/** Each ghost in a row that is there says that the next one will be too. */
const STRIDE_SHARE = 1 / 32;
const STRIDES_MAX = 8;
/** So many different prompts of which nothing is there mean that the cache was emptied: more where single ones are lost all the time. */
const EMPTY_AFTER_PROMPTS = 2;
const EMPTY_AFTER_PROMPTS_WHERE_SOME_ARE_LOST = 3;
/** Suspicions that turned out to be wrong, of the last 500 reports or so. */
const ALARMS_KEPT = 1 - 1 / 512;
const ALARMS_MAX = 2;

/**
 * Learns from the distances at which an engine's cache hits and misses; a distance is how many tokens the cache used since.
 *
 * A hit proves that the cache is at least so large. A miss counts as eviction only beyond the largest proved distance: nearer it has
 * another reason, and shrinking the cache for it would throw away what is there. Where nothing that was held before is found of
 * different prompts in a row, the cache has been emptied. What a miss means for predictions until that is known, `doubt` says.
 */
export class Evidence {
  readonly doubt = new Doubt();
  #provedTokens = 0;
  /** Farthest miss, and number, of those that look like eviction since something so far away was found. */
  #shortfallTokens = 0;
  #shortfalls = 0;
  #strides = 0;
  /** Misses in a row beyond what was told, while the cache is taken to be larger. */
  #beyondTold = 0;
  #suspicion: Suspicion | undefined;
  #falseAlarms = 0;

  judge(report: Report): Lesson {
    this.#provedTokens *= PROVED_KEPT;
    this.#falseAlarms *= ALARMS_KEPT;
    const { hits, missed, isPartly } = divide(report);
    const found = isPartly ? [...hits, missed!] : hits;
    this.#clear(found, report.dispatchedMs);
    const wasDoubted = missed !== undefined && this.doubt.includes(missed);
    this.doubt.weigh(found, missed, report);
    // A cache that was emptied misses as much.
    const isExplained = wasDoubted && this.doubt.includes(missed);
    if (this.#contradictsProof(hits, missed, report)) return { kind: 'capacity', tokens: this.#provedTokens };
    const ghost = this.#prove(hits, report.provisionalTokens);
    if (ghost !== undefined && ghost > report.capacityTokens) {
      const { toldTokens } = report;
      if (toldTokens === undefined || ghost < toldTokens || ghost >= TOLD_EXCEEDED_MIN * toldTokens) return this.#raise(ghost);
      if (report.capacityTokens < toldTokens) return { kind: 'capacity', tokens: toldTokens };
    }
    // An engine cannot evict what is in use.
    if (missed?.kind === 'busy') return this.#suspect(found, report);
    if (missed?.kind !== 'idle') return NOTHING;
    if (missed.distanceTokens > this.#provedTokens) return this.#lower(missed.distanceTokens, report.capacityTokens, isExplained);
    return missed.distanceTokens > NEAR_SHARE * this.#provedTokens ? NOTHING : this.#suspect(found, report);
  }

  /** What is there of a cache that answers say was emptied: what was confirmed so late, by requests dispatched so late. Undefined: none do. */
  get left(): { readonly dispatchedFromMs: number; readonly confirmedFromMs: number } | undefined {
    if (this.#suspicion === undefined) return undefined;
    const { sinceMs, heardMs } = this.#suspicion;
    return { dispatchedFromMs: sinceMs, confirmedFromMs: Math.max(heardMs, this.doubt.certainFromMs ?? heardMs) };
  }

  /** The cache is known to be empty. */
  forget(): void {
    this.#suspicion = undefined;
    this.doubt.forget();
    this.#shortfalls = 0;
  }

  get #emptyAfter(): number {
    return this.#falseAlarms > ALARMS_MAX ? EMPTY_AFTER_PROMPTS_WHERE_SOME_ARE_LOST : EMPTY_AFTER_PROMPTS;
  }

  /** Takes what the hits prove; gives the distance of the farthest ghost among them. */
  #prove(hits: readonly Stretch[], provisionalTokens: number): number | undefined {
    let ghost: number | undefined;
    for (const { kind, distanceTokens } of hits) {
      if (kind !== 'idle' && kind !== 'ghost') continue;
      const certainTokens = distanceTokens - provisionalTokens;
      this.#provedTokens = Math.max(this.#provedTokens, certainTokens);
      if (kind === 'ghost') ghost = Math.max(ghost ?? 0, certainTokens);
    }
    return ghost;
  }

  /** Whether the cache is as small as was told, though something once seemed to prove that it is larger. Then no more than that is proved. */
  #contradictsProof(hits: readonly Stretch[], missed: Stretch | undefined, { capacityTokens, toldTokens, provisionalTokens }: Report): boolean {
    if (toldTokens === undefined || capacityTokens <= toldTokens) return false;
    if (hits.some((each) => isUnused(each) && each.distanceTokens - provisionalTokens > toldTokens)) this.#beyondTold = 0;
    else if (missed?.kind === 'idle' && missed.distanceTokens > toldTokens / TOLD_EXCEEDED_MIN) this.#beyondTold += 1;
    if (this.#beyondTold < BEYOND_TOLD_MAX) return false;
    this.#beyondTold = 0;
    this.#strides = 0;
    this.#provedTokens = toldTokens;
    return true;
  }

  #raise(ghostTokens: number): Lesson {
    this.#shortfalls = 0;
    const tokens = ghostTokens * (1 + this.#strides * STRIDE_SHARE);
    this.#strides = Math.min(STRIDES_MAX, this.#strides + 1);
    return { kind: 'capacity', tokens };
  }

  #lower(distanceTokens: number, capacityTokens: number, isExplained: boolean): Lesson {
    this.#strides = 0;
    if (this.#shortfallTokens <= this.#provedTokens) this.#shortfalls = 0;
    // Distances are rough: at the very end of the cache a miss is no surprise.
    if (distanceTokens >= capacityTokens) return NOTHING;
    this.#shortfallTokens = this.#shortfalls === 0 ? distanceTokens : Math.max(this.#shortfallTokens, distanceTokens);
    this.#shortfalls += 1;
    if (this.#shortfalls < SHORTFALLS_MIN || isExplained) return NOTHING;
    this.#shortfalls = 0;
    return { kind: 'capacity', tokens: Math.max(this.#provedTokens, this.#shortfallTokens) };
  }

  #clear(found: readonly Stretch[], dispatchedMs: number): void {
    if (this.#suspicion === undefined || !refutes({ found, dispatchedMs }, this.#suspicion.sinceMs)) return;
    this.#suspicion = undefined;
    this.#falseAlarms += 1;
  }

  #suspect(found: readonly Stretch[], { dispatchedMs, endedMs, prompt }: Report): Lesson {
    if (this.#suspicion === undefined) {
      if (found.some(isUnused)) return NOTHING;
      this.#suspicion = { sinceMs: dispatchedMs, heardMs: endedMs, prompts: new Set() };
    }
    const { prompts, sinceMs } = this.#suspicion;
    this.#suspicion.sinceMs = Math.min(sinceMs, dispatchedMs);
    prompts.add(prompt);
    return prompts.size < this.#emptyAfter ? NOTHING : { kind: 'forget' };
  }
}

/**
 * The stretches that were found for certain, and the first that was missed for certain, or found but for a part. What the slack could
 * explain is neither: a stretch shorter than that says something only by what lies behind it.
 */
function divide({ stretches, cachedTokens, slackTokens }: Report): { hits: readonly Stretch[]; missed: Stretch | undefined; isPartly: boolean } {
  let hits = 0;
  let start = 0;
  for (const [at, stretch] of stretches.entries()) {
    const { tokensEnd, doubtfulEnd = start } = stretch;
    if (cachedTokens >= tokensEnd - Math.min(slackTokens, (tokensEnd - doubtfulEnd) / 2)) hits = at + 1;
    else if (cachedTokens < tokensEnd - slackTokens) return { hits: stretches.slice(0, hits), missed: stretch, isPartly: cachedTokens > doubtfulEnd + slackTokens };
    start = tokensEnd;
  }
  return { hits: stretches.slice(0, hits), missed: undefined, isPartly: false };
}
