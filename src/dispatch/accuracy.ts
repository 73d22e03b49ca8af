// accuracy.ts: how right the predictions for one endpoint are, and when it is time to say that they are not.

/** Sums over the answers that reported their cached tokens. */
export interface ReportedTotals {
  readonly answers: number;
  readonly promptTokens: number;
  readonly predictedCachedTokens: number;
  readonly cachedTokens: number;
  readonly errorTokens: number;
}

/** What somebody should hear of: predictions stay wrong, the engine says nothing to compare them with, or it has no prefix cache. */
export type Complaint = 'inaccurate' | 'no-details' | 'no-usage' | 'caching-off';

/** Why predictions stay wrong, as far as can be told from here. */
export type Cause = 'prefix-caching-off' | 'other-traffic' | 'unknown';

/** Of the tokens that the engine looked up, not ours. */
const OTHERS_RATIO_MAX = 1 / 3;
/** The newest answer has this share of what counts as recent. */
const RECENT_SHARE = 1 / 64;
/** An episode begins when the recent error was above the limit for so many reports in a row, and ends when it is half of that. */
const ERROR_RATIO_MAX = 0.1;
const ERROR_RATIO_RECOVERED = 0.05;
const REPORTS_MIN = 50;
/** Answers with usage but without cached tokens, and none with them; or without usage, and none with it. */
const SILENT_ANSWERS_MIN = 50;

/** Complains once an episode, and once ever that there are no details. */
export class Accuracy {
  #totals: ReportedTotals = { answers: 0, promptTokens: 0, predictedCachedTokens: 0, cachedTokens: 0, errorTokens: 0 };
  #recent = { promptTokens: 0, errorTokens: 0 };
  #reportsAbove = 0;
  #complained = false;
  #silentAnswers = 0;
  #muteAnswers = 0;

  get totals(): ReportedTotals {
    return this.#totals;
  }

  /** Σ |predicted − reported| over Σ prompt tokens, lately; 0 before any report. */
  get recentErrorRatio(): number {
    return ratio(this.#recent);
  }

  get errorRatio(): number {
    return ratio(this.#totals);
  }

  noteReport(predictedCachedTokens: number, promptTokens: number, cachedTokens: number): Complaint | undefined {
    const errorTokens = Math.abs(predictedCachedTokens - cachedTokens);
    const totals = this.#totals;
    this.#totals = {
      answers: totals.answers + 1,
      promptTokens: totals.promptTokens + promptTokens,
      predictedCachedTokens: totals.predictedCachedTokens + predictedCachedTokens,
      cachedTokens: totals.cachedTokens + cachedTokens,
      errorTokens: totals.errorTokens + errorTokens,
    };
    const kept = 1 - RECENT_SHARE;
    this.#recent = { promptTokens: this.#recent.promptTokens * kept + promptTokens, errorTokens: this.#recent.errorTokens * kept + errorTokens };
    return this.#judge(this.recentErrorRatio);
  }

  /** An answer said how long its prompt was, but not what of it was cached. */
  noteSilentAnswer(): Complaint | undefined {
    if (this.#totals.answers > 0) return undefined;
    this.#silentAnswers += 1;
    return this.#silentAnswers === SILENT_ANSWERS_MIN ? 'no-details' : undefined;
  }

  /** An answer had no usage at all, and none before it had. */
  noteMuteAnswer(): Complaint | undefined {
    this.#muteAnswers += 1;
    return this.#muteAnswers === SILENT_ANSWERS_MIN ? 'no-usage' : undefined;
  }

  #judge(error: number): Complaint | undefined {
    this.#reportsAbove = error > ERROR_RATIO_MAX ? this.#reportsAbove + 1 : 0;
    if (error <= ERROR_RATIO_RECOVERED) this.#complained = false;
    if (this.#complained || this.#reportsAbove < REPORTS_MIN) return undefined;
    this.#complained = true;
    return 'inaccurate';
  }
}

function ratio({ promptTokens, errorTokens }: { readonly promptTokens: number; readonly errorTokens: number }): number {
  return promptTokens === 0 ? 0 : errorTokens / promptTokens;
}

/** `prefixCaching`: what the engine says of itself. `othersRatio`: share of its queried tokens that did not come from here. */
export function likelyCause(prefixCaching: boolean | undefined, othersRatio: number): Cause {
  if (prefixCaching === false) return 'prefix-caching-off';
  return othersRatio > OTHERS_RATIO_MAX ? 'other-traffic' : 'unknown';
}
