// learned-model.ts: what answers have taught about one model, whoever served it.

import { TokenFit } from './token-fit.ts';

/** Before any answer was seen. */
const ANSWER_ASSUMED_TOKENS = 128;
/** Of the newest answer in the running mean. */
const ANSWER_SHARE = 1 / 32;
/** The latest cases in which an answer was sent back, one bit each: reused, or not. */
const ANSWERS_REMEMBERED = 32;
const ANSWERS_JUDGED_FROM = 4;

export class LearnedModel {
  readonly tokens: TokenFit;
  #meanAnswerTokens = ANSWER_ASSUMED_TOKENS;
  #reused: boolean[] = [];

  constructor(bytesPerToken: number) {
    this.tokens = new TokenFit(bytesPerToken);
  }

  get meanAnswerTokens(): number {
    return this.#meanAnswerTokens;
  }

  /** Whether an answer that comes back in a conversation counts as held: until most of them are found not to be. */
  get answersAreReused(): boolean {
    return this.#reused.length < ANSWERS_JUDGED_FROM || 2 * this.#reused.filter(Boolean).length > this.#reused.length;
  }

  noteAnswer(tokens: number): void {
    this.#meanAnswerTokens += (tokens - this.#meanAnswerTokens) * ANSWER_SHARE;
  }

  /** An answer came back in a prompt, and the engine said whether it found it in its cache. */
  noteAnswerReused(reused: boolean): void {
    this.#reused.push(reused);
    if (this.#reused.length > ANSWERS_REMEMBERED) this.#reused.shift();
  }
}
