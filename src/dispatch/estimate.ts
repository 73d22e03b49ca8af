// estimate.ts: what is believed about one endpoint, beyond what its pool knows: its cache, and the work that waits there.

import type { Chain } from '../core/chain.ts';
import type { Endpoint } from '../pool/endpoint.ts';
import { BulkEvidence, type CountedPrompt } from '../prefix/bulk-evidence.ts';
import { Evidence, type Lesson, type Report } from '../prefix/evidence.ts';
import type { ModelKey } from '../prefix/model-key.ts';
import { PrefixIndex } from '../prefix/prefix-index.ts';
import type { SharedBlocks } from '../prefix/shared-blocks.ts';
import { Accuracy, type Complaint } from './accuracy.ts';
import { CountedTokens } from './counted-tokens.ts';
import type { TokenFit } from './token-fit.ts';
import { Traffic } from './traffic.ts';

/** When neither the configuration nor the engine says: too large costs less than too small. */
const CAPACITY_ASSUMED_TOKENS = 500_000;
const BLOCK_SIZE_ASSUMED_TOKENS = 16;

/** A report as an attempt knows it. */
export type AttemptReport = Pick<Report, 'stretches' | 'cachedTokens' | 'dispatchedMs' | 'endedMs' | 'provisionalTokens' | 'prompt'> & { readonly promptTokens: number };

/** Sizes of blocks within a prompt are estimated: this share of it may be wrong without meaning anything. */
const SLACK_SHARE = 0.01;
const SLACK_BLOCKS = 2;

/** Told of what an operator can mend. */
export interface EstimateEvents {
  onComplaint(estimate: Estimate, complaint: Complaint): void;
}

export class Estimate {
  readonly endpoint: Endpoint;
  /** Its number among the holders of shared blocks. */
  readonly holder: number;
  readonly index: PrefixIndex;
  /** Uncached prompt tokens of the requests whose first token has not come. */
  queuedTokens = 0;
  readonly accuracy = new Accuracy();
  readonly traffic = new Traffic();
  /** How often the cache was found or known to be empty, and how often its size was corrected. */
  forgets = 0;
  corrections = 0;
  readonly #events: EstimateEvents;
  readonly #evidence = new Evidence();
  readonly #bulk = new BulkEvidence();
  /** Since the cache was last empty. Reports of single answers are better evidence than counters. */
  #hasReports = false;
  readonly #countedTokens = new CountedTokens();
  /** Some answer said how long its prompt was. */
  #hasUsage = false;
  /** Of requests that were dispatched earlier nothing is left. */
  #leftFromMs = -Infinity;
  #toldTokens: number | undefined;
  /** Whether somebody was told that the engine has no prefix cache. */
  #saidCachingOff = false;

  constructor(endpoint: Endpoint, kvCacheTokens: number | 'auto', shared: SharedBlocks, holder: number, events: EstimateEvents) {
    this.endpoint = endpoint;
    this.holder = holder;
    this.#events = events;
    this.#toldTokens = this.#told(kvCacheTokens);
    this.index = new PrefixIndex(this.#toldTokens ?? CAPACITY_ASSUMED_TOKENS, shared, holder);
  }

  /** Tokens in one of the engine's blocks. */
  get blockSize(): number {
    return this.endpoint.samples.at(-1)?.blockSize ?? BLOCK_SIZE_ASSUMED_TOKENS;
  }

  /** What the configuration or else the engine says that the cache holds; undefined when neither does. */
  get toldTokens(): number | undefined {
    return this.#toldTokens;
  }

  /**
   * How many of the prompt's tokens may be believed to be held, whatever the index says: fewer than all (Infinity) while the engine may have
   * lost its cache and some requests that count on it are under way already, and none where it says that it has no prefix cache.
   */
  credibleTokens(chain: Chain, key: ModelKey, tokenEnds: ArrayLike<number>): number {
    if (this.#isCachingOff) return 0;
    return this.#evidence.doubt.mayBet ? Infinity : this.#certainTokens(chain, key, tokenEnds);
  }

  /** A request is dispatched with this prediction. */
  noteDispatch(predictedCachedTokens: number, chain: Chain, key: ModelKey, tokenEnds: ArrayLike<number>): void {
    if (predictedCachedTokens > this.#certainTokens(chain, key, tokenEnds)) this.#evidence.doubt.noteBet();
  }

  /** When a request's prompt was held for certain, that is confirmed now: else it would seem so of what was lost while its answer came. Undefined: it is lost. */
  heldAtMs(dispatchedMs: number, nowMs: number): number | undefined {
    if (dispatchedMs < this.#leftFromMs) return undefined;
    const { doubt } = this.#evidence;
    return doubt.covers(dispatchedMs) ? dispatchedMs : Math.max(nowMs, doubt.certainFromMs ?? nowMs);
  }

  /** Of the prompt's tokens that the index has, those that are beyond doubt. */
  #certainTokens(chain: Chain, key: ModelKey, tokenEnds: ArrayLike<number>): number {
    const { certainFromMs, sinceMs } = this.#evidence.doubt;
    if (certainFromMs === undefined) return Infinity;
    const blocks = this.index.confirmedSince(chain, key, certainFromMs, sinceMs);
    if (blocks === 0 || blocks === Infinity) return blocks;
    return tokenEnds[blocks - 1]!;
  }

  /**
   * Takes over what the configuration or the engine says when that changes; what was learned since the last change goes. `kvCacheTokens` holds
   * where the endpoint has no size of its own.
   */
  refresh(kvCacheTokens: number | 'auto'): void {
    const told = this.#told(kvCacheTokens);
    if (told === undefined || told === this.#toldTokens) return;
    this.#toldTokens = told;
    this.index.setCapacityTokens(told);
  }

  /** The cache is empty. */
  forget(): void {
    this.forgets += 1;
    this.#hasReports = false;
    this.#evidence.forget();
    this.#bulk.forget();
    this.#countedTokens.forget();
    this.index.forget();
  }

  /** The cache was emptied, as answers or counters say: of what was computed since, answers say what it is. */
  #forgetOld(): void {
    const { left } = this.#evidence;
    if (left === undefined) return this.forget();
    this.forgets += 1;
    this.#leftFromMs = left.dispatchedFromMs;
    this.#evidence.forget();
    this.index.forgetBefore(left.confirmedFromMs);
  }

  /** A request that was dispatched before the cache was found to be lost missed what was lost: it was served after that, and so are those that came after it. */
  noteServedSince(dispatchedMs: number): void {
    this.#leftFromMs = Math.min(this.#leftFromMs, dispatchedMs);
  }

  /** Counts what was predicted beside what came; undefined: the answer had usage, but without cached tokens. */
  compare(predictedCachedTokens: number, promptTokens: number, cachedTokens: number | undefined): void {
    const complaint = cachedTokens === undefined ? this.accuracy.noteSilentAnswer() : this.accuracy.noteReport(predictedCachedTokens, promptTokens, cachedTokens);
    if (complaint !== undefined) this.#events.onComplaint(this, complaint);
  }

  /** A prompt's first token came. What was believed of it is compared with the engine's counters, where its answers do not report. */
  notePrompt(prompt: CountedPrompt | undefined, promptTokens: number): void {
    this.traffic.note(promptTokens);
    if (prompt !== undefined && !this.#hasReports) this.#bulk.note(prompt);
  }

  /** With its first token, where no answer says how many tokens it has; `fit`: its model's, undefined where its bytes say little of them. */
  noteSize(chain: Chain, fit: TokenFit | undefined): void {
    if (!this.#hasUsage) this.#countedTokens.note(chain, fit);
  }

  /** An answer is complete. Fits to what single answers say are better than to counters. */
  noteAnswer(hasUsage: boolean): void {
    this.#hasUsage ||= hasUsage;
    const complaint = this.#hasUsage ? undefined : this.accuracy.noteMuteAnswer();
    if (complaint !== undefined) this.#events.onComplaint(this, complaint);
  }

  /** The endpoint was scraped. */
  noteSample(): void {
    const sample = this.endpoint.samples.at(-1);
    if (sample === undefined) return;
    const { atMs, prefixQueriesTotal: queriesTotal, prefixHitsTotal: hitsTotal } = sample;
    this.traffic.sample(queriesTotal);
    this.#noteCaching();
    if (!this.#hasUsage && queriesTotal !== undefined) this.#countedTokens.sample(queriesTotal);
    if (this.#isCachingOff) this.#bulk.forget();
    if (this.#isCachingOff || this.#hasReports || queriesTotal === undefined || hitsTotal === undefined) return;
    this.#follow(this.#bulk.sample({ atMs, queriesTotal, hitsTotal }, this.index.capacityTokens, this.blockSize));
  }

  /** Corrects what is believed about the cache by a report, which says nothing of its size where the engine has none. */
  learn(report: AttemptReport): void {
    if (this.#isCachingOff) return;
    this.#hasReports = true;
    const slackTokens = SLACK_BLOCKS * this.blockSize + SLACK_SHARE * report.promptTokens;
    this.#follow(this.#evidence.judge({ ...report, slackTokens, capacityTokens: this.index.capacityTokens, toldTokens: this.#toldTokens }));
  }

  /** As policies count it: our leases, heavier during slow start, and what others have there. */
  inFlight(nowMs: number): number {
    return this.endpoint.inFlight / this.endpoint.share(nowMs) + this.#foreignInFlight();
  }

  /** Requests of others on an endpoint that is shared: the gauges lag, so the least of the last samples, less our own. */
  #foreignInFlight(): number {
    if (!this.endpoint.settings.shared || this.endpoint.samples.length === 0) return 0;
    let least = Infinity;
    for (const sample of this.endpoint.samples) least = Math.min(least, (sample.running ?? 0) + (sample.waiting ?? 0));
    return Math.max(0, least - this.endpoint.inFlight);
  }

  get #isCachingOff(): boolean {
    return this.endpoint.samples.at(-1)?.prefixCaching === false;
  }

  /** Complains once until that changes. */
  #noteCaching(): void {
    const isNew = this.#isCachingOff && !this.#saidCachingOff;
    this.#saidCachingOff = this.#isCachingOff;
    if (isNew) this.#events.onComplaint(this, 'caching-off');
  }

  #follow(lesson: Lesson): void {
    if (lesson.kind === 'forget') this.#forgetOld();
    if (lesson.kind !== 'capacity') return;
    this.corrections += 1;
    this.index.setCapacityTokens(lesson.tokens);
  }

  #told(kvCacheTokens: number | 'auto'): number | undefined {
    const configured = this.endpoint.kvCacheTokens ?? kvCacheTokens;
    return configured === 'auto' ? this.endpoint.samples.at(-1)?.capacityTokens : configured;
  }
}
