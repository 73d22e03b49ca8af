// learned-model.ts: what answers have taught about one model.

/** Before any answer was seen. */
const ANSWER_ASSUMED_TOKENS = 128;
/** Of the newest answer in the running mean. */
const ANSWER_SHARE = 1 / 32;

export class LearnedModel {
  readonly tokensPerByte: number;
  #meanAnswerTokens = ANSWER_ASSUMED_TOKENS;

  constructor(bytesPerToken: number) {
    this.tokensPerByte = 1 / bytesPerToken;
  }

  get meanAnswerTokens(): number {
    return this.#meanAnswerTokens;
  }

  noteAnswer(tokens: number): void {
    this.#meanAnswerTokens += (tokens - this.#meanAnswerTokens) * ANSWER_SHARE;
  }
}
