// bulk-evidence.ts: what an engine's counters say about its cache, where its answers say nothing: many prompts are judged at once.

import type { Lesson } from './evidence.ts';
import type { Stretch } from './stretch.ts';

/** A prompt whose first token came, and what was believed when it was dispatched. */
export interface CountedPrompt {
  readonly stretches: readonly Stretch[];
  /** Of the last stretch: an answer that came back, and that the engine may read otherwise than it wrote it. */
  readonly answerTokens: number;
  readonly promptTokens: number;
}

/** An engine's running totals, in tokens. */
export interface CacheCounters {
  readonly atMs: number;
  readonly queriesTotal: number;
  readonly hitsTotal: number;
}

/** Tokens that hit if the cache is larger than the distance. */
interface Piece {
  readonly distanceTokens: number;
  readonly tokens: number;
  readonly isAnswer: boolean;
  /** `old`: held before the window began, and nobody's. `new`: used or under way since. */
  readonly held: 'old' | 'new' | 'not';
}

interface Window {
  readonly start: CacheCounters;
  readonly prompts: CountedPrompt[];
  promptTokens: number;
  samples: number;
}

const NOTHING: Lesson = { kind: 'nothing' };
const PROMPTS_MIN = 8;
const PROMPTS_MAX = 1024;
/** Where the engine's prompts and ours do not add up in so many samples, others are served too, and nothing can be said. */
const SAMPLES_MAX = 30;
const OTHERS_SHARE_MAX = 0.05;
/** Of the queried tokens: sums may differ by this and a few blocks without meaning anything. */
const SLACK_SHARE = 0.03;
const SLACK_BLOCKS = 2;
/** One prompt in eight that is lost for other reasons looks like eviction once, and hardly twice in a row. */
const SHORTFALLS_MIN = 2;
const PROVED_KEPT = 0.9995;
/** Of what is old, at least so much is missing when a cache was emptied, and more than so many prompts could explain that were lost otherwise. */
const EMPTY_SHARE_MIN = 0.5;
const LOST_PROMPTS_MAX = 2;

/**
 * Compares the tokens that prompts were expected to hit, by distance, with how many the engine counted between two samples.
 *
 * More than all nearer than a distance prove that the cache reaches so far; fewer, twice in a row and beyond what was proved, move the
 * capacity half way to where they end. Nearer than that the cache was emptied if most of what is old is missing.
 */
export class BulkEvidence {
  #window: Window | undefined;
  #provedTokens = 0;
  #shortfalls = 0;

  note(prompt: CountedPrompt): void {
    const window = this.#window;
    if (window === undefined || window.prompts.length === PROMPTS_MAX) return;
    window.prompts.push(prompt);
    window.promptTokens += prompt.promptTokens;
  }

  sample(counters: CacheCounters, capacityTokens: number, blockSize: number): Lesson {
    const window = this.#window;
    if (window === undefined) {
      this.#open(counters);
      return NOTHING;
    }
    const { start, prompts, promptTokens } = window;
    window.samples += 1;
    const othersTokens = Math.abs(counters.queriesTotal - start.queriesTotal - promptTokens);
    const isOurs = prompts.length >= PROMPTS_MIN && othersTokens <= OTHERS_SHARE_MAX * promptTokens;
    if (!isOurs && window.samples < SAMPLES_MAX) return NOTHING;
    this.#open(counters);
    if (!isOurs) return NOTHING;
    const slackTokens = SLACK_SHARE * promptTokens + SLACK_BLOCKS * blockSize + othersTokens;
    this.#provedTokens *= PROVED_KEPT ** prompts.length;
    return this.#judge(window, counters.hitsTotal - start.hitsTotal, { slackTokens, capacityTokens, blockSize });
  }

  /** The cache is known to be empty, or the counters began anew: what is under way belongs to what was before. */
  forget(): void {
    this.#window = undefined;
    this.#shortfalls = 0;
  }

  #open(start: CacheCounters): void {
    this.#window = { start, prompts: [], promptTokens: 0, samples: 0 };
  }

  #judge({ start, prompts }: Window, hits: number, { slackTokens, capacityTokens, blockSize }: JudgeTerms): Lesson {
    const pieces = prompts.map((prompt) => piecesOf(prompt, start.atMs, blockSize));
    const { reachTokens, missingFromTokens } = bounds(pieces.flat(), hits, slackTokens);
    this.#provedTokens = Math.max(this.#provedTokens, reachTokens);
    const isNear = missingFromTokens <= this.#provedTokens;
    this.#shortfalls = isNear || missingFromTokens > capacityTokens ? 0 : this.#shortfalls + 1;
    if (reachTokens > capacityTokens) return { kind: 'capacity', tokens: reachTokens };
    if (isNear && isEmptied(pieces, hits, slackTokens)) return { kind: 'forget' };
    if (this.#shortfalls < SHORTFALLS_MIN) return NOTHING;
    return { kind: 'capacity', tokens: Math.max(this.#provedTokens, (capacityTokens + missingFromTokens) / 2) };
  }
}

interface JudgeTerms {
  readonly slackTokens: number;
  readonly capacityTokens: number;
  readonly blockSize: number;
}

/** The prompt's stretches as the engine counts them: whole blocks, of which one that is missing hides those behind it. */
function piecesOf({ stretches, answerTokens, promptTokens }: CountedPrompt, startMs: number, blockSize: number): Piece[] {
  const pieces: Piece[] = [];
  let distanceTokens = 0;
  let start = 0;
  const upTo = (tokens: number, { confirmedAtMs, kind }: Stretch, isAnswer: boolean): void => {
    const end = Math.floor(Math.min(tokens, promptTokens - 1) / blockSize) * blockSize;
    const isOld = (((startMs | 0) - confirmedAtMs) | 0) > 0;
    const held = kind === 'ghost' ? 'not' : kind === 'idle' && isOld ? 'old' : 'new';
    if (end > start) pieces.push({ distanceTokens, tokens: end - start, isAnswer, held });
    start = Math.max(start, end);
  };
  for (const [i, stretch] of stretches.entries()) {
    if (stretch.kind === 'idle' || stretch.kind === 'ghost') distanceTokens = Math.max(distanceTokens, stretch.distanceTokens);
    const isLast = i === stretches.length - 1;
    upTo(stretch.tokensEnd - (isLast ? answerTokens : 0), stretch, false);
    if (isLast && answerTokens > 0) upTo(stretch.tokensEnd, stretch, true);
  }
  return pieces;
}

/**
 * How far the cache certainly reaches, and the distance from which on something is certainly missing (Infinity where nothing is).
 *
 * Whether answers were found nobody knows, so they count as found for the one and as missing for the other.
 */
function bounds(pieces: readonly Piece[], hits: number, slackTokens: number): { reachTokens: number; missingFromTokens: number } {
  let reachTokens = 0;
  let missingFromTokens = Infinity;
  let most = 0;
  let least = 0;
  for (const { distanceTokens, tokens, isAnswer } of pieces.toSorted((a, b) => a.distanceTokens - b.distanceTokens)) {
    if (most + slackTokens < hits) reachTokens = distanceTokens;
    most += tokens;
    if (!isAnswer) least += tokens;
    if (least - slackTokens > hits && missingFromTokens === Infinity) missingFromTokens = distanceTokens;
  }
  return { reachTokens, missingFromTokens };
}

/**
 * Whether most of what was held before the window is missing. What came since is taken to be found. Some prompts are counted in one window and answered
 * in the next, so what the largest of all prompts explain says nothing, and nothing is said of a cache that hardly anything old was asked of.
 */
function isEmptied(pieces: readonly (readonly Piece[])[], hits: number, slackTokens: number): boolean {
  const tokensOf = (each: readonly Piece[], age: Piece['held']): number =>
    each.reduce((sum, { tokens, held, isAnswer }) => (held === age && !isAnswer ? sum + tokens : sum), 0);
  const old = pieces.map((each) => tokensOf(each, 'old'));
  const fresh = pieces.map((each) => tokensOf(each, 'new'));
  const oldTokens = sumOf(old);
  const lostTokens = sumOf(old.map((tokens, at) => tokens + fresh[at]!).toSorted((a, b) => b - a).slice(0, LOST_PROMPTS_MAX)) + slackTokens;
  const missing = oldTokens + sumOf(fresh) - hits;
  return oldTokens > lostTokens && missing > lostTokens && missing > EMPTY_SHARE_MIN * oldTokens;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
