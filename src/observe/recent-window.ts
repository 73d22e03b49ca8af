// recent-window.ts: counts of the last minute, in slots of time of which the oldest drops out whole. Made once, then written in place.

import type { PromptTotals, Recent } from '../core/last-minute.ts';
import type { RequestRecord } from '../core/record.ts';

const SLOTS = 6;
const SLOT_MS = 10_000;
/** Of a window that began just now, so that one request is no flood. */
const COVERED_MS_MIN = 5000;
/** Times to a first token are counted in buckets, each 10 % wider than the one before: 0.5 ms to 20 minutes. */
const BUCKETS = 156;
const BUCKET_RATIO = 1.1;
const LOWEST_MS = 0.5;
const BUCKETS_PER_E = 1 / Math.log(BUCKET_RATIO);

/** What is summed in each slot: requests, and tokens of complete ones; of answers that report, apart. */
const REQUESTS = 0;
const PROMPT = 1;
const PREDICTED = 2;
const REPORTED_PROMPT = 3;
const CACHED = 4;
const ERROR = 5;
const SUMS = 6;

const MS_PER_S = 1000;

/** 4 KB: 200 of them are read each second while the page is open. */
export class RecentWindow {
  readonly #sums = new Float64Array(SLOTS * SUMS);
  readonly #firstTokens = new Uint32Array(SLOTS * BUCKETS);
  readonly #sinceMs: number;
  #slot: number;
  #promptTokens = 0;
  #notRecomputedTokens = 0;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
    this.#slot = Math.floor(nowMs / SLOT_MS);
  }

  note(record: RequestRecord, nowMs: number): void {
    this.#advance(nowMs);
    const at = (this.#slot % SLOTS) * SUMS;
    const sums = this.#sums;
    sums[at + REQUESTS]! += 1;
    if (record.timeToFirstTokenMs !== undefined) this.#firstTokens[(this.#slot % SLOTS) * BUCKETS + bucketOf(record.timeToFirstTokenMs)]! += 1;
    if (record.outcome !== 'complete') return;
    const { promptTokens, predictedCachedTokens, reportedPromptTokens, reportedCachedTokens } = record;
    const prompt = reportedPromptTokens ?? promptTokens;
    sums[at + PROMPT]! += prompt;
    sums[at + PREDICTED]! += predictedCachedTokens;
    this.#promptTokens += prompt;
    this.#notRecomputedTokens += reportedCachedTokens ?? predictedCachedTokens;
    if (reportedCachedTokens === undefined) return;
    sums[at + REPORTED_PROMPT]! += prompt;
    sums[at + CACHED]! += reportedCachedTokens;
    sums[at + ERROR]! += Math.abs(predictedCachedTokens - reportedCachedTokens);
  }

  /** Whether nothing of it is of the last minute. */
  isIdle(nowMs: number): boolean {
    return Math.floor(nowMs / SLOT_MS) - this.#slot >= SLOTS;
  }

  read(nowMs: number): Recent & PromptTotals {
    this.#advance(nowMs);
    const sums = Array.from({ length: SUMS }, (_, column) => this.#sum(column));
    const [requests, prompt, predicted, reportedPrompt, cached, error] = sums as [number, number, number, number, number, number];
    const coveredMs = Math.min(nowMs - this.#sinceMs, (SLOTS - 1) * SLOT_MS + (nowMs % SLOT_MS));
    return {
      requestsPerS: (requests * MS_PER_S) / Math.max(coveredMs, COVERED_MS_MIN),
      ...this.#quantiles(),
      predictedHitRatio: share(predicted, prompt),
      reportedHitRatio: share(cached, reportedPrompt),
      errorRatio: share(error, reportedPrompt),
      promptTokens: this.#promptTokens,
      notRecomputedTokens: this.#notRecomputedTokens,
    };
  }

  #advance(nowMs: number): void {
    const slot = Math.floor(nowMs / SLOT_MS);
    if (slot <= this.#slot) return;
    for (let passed = Math.max(this.#slot + 1, slot - SLOTS + 1); passed <= slot; passed += 1) {
      const at = passed % SLOTS;
      this.#sums.fill(0, at * SUMS, (at + 1) * SUMS);
      this.#firstTokens.fill(0, at * BUCKETS, (at + 1) * BUCKETS);
    }
    this.#slot = slot;
  }

  #sum(column: number): number {
    let total = 0;
    for (let at = column; at < this.#sums.length; at += SUMS) total += this.#sums[at]!;
    return total;
  }

  #quantiles(): Pick<Recent, 'timeToFirstTokenP50Ms' | 'timeToFirstTokenP90Ms'> {
    const counts = new Uint32Array(BUCKETS);
    const firstTokens = this.#firstTokens;
    let total = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      let count = 0;
      for (let at = bucket; at < SLOTS * BUCKETS; at += BUCKETS) count += firstTokens[at]!;
      counts[bucket] = count;
      total += count;
    }
    return { timeToFirstTokenP50Ms: quantile(counts, total * 0.5), timeToFirstTokenP90Ms: quantile(counts, total * 0.9) };
  }
}

function bucketOf(ms: number): number {
  if (ms <= LOWEST_MS) return 0;
  return Math.min(BUCKETS - 1, Math.floor(Math.log(ms / LOWEST_MS) * BUCKETS_PER_E));
}

/** Within a bucket its numbers stand evenly. */
function quantile(counts: Uint32Array, rank: number): number | undefined {
  let below = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
    const count = counts[bucket]!;
    if (count > 0 && below + count >= rank) return LOWEST_MS * BUCKET_RATIO ** (bucket + (rank - below) / count);
    below += count;
  }
  return undefined;
}

function share(part: number, whole: number): number | undefined {
  return whole === 0 ? undefined : part / whole;
}
