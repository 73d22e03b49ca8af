// token-fit.ts: how many tokens a prompt has, learned from the prompts that an engine has counted.

import { type Chain, chainBytes, MESSAGE_END } from '../core/chain.ts';

/** What a chat template adds to each message before anything was learned. */
const MESSAGE_ASSUMED_TOKENS = 4;
/** Of what was learned, kept with each further prompt. */
const KEPT = 0.998;
/** How far the assumptions may be wrong: bytes by about half, messages by ten tokens, the rest by twenty. */
const PRIOR: readonly number[] = [0.25, 100, 400];
/** Prompts of the same size differ by this share of their tokens. */
const NOISE_SHARE = 0.05;
const NOISE_TOKENS_MIN = 16;
const TOKENS_PER_BYTE_MIN = 1 / 16;
const TOKENS_PER_BYTE_MAX = 2;
const MESSAGE_TOKENS_MAX = 64;

/** Of one prompt, or of the mean of several. */
export interface PromptSize {
  readonly bytes: number;
  readonly messages: number;
}

/**
 * tokens ≈ bytes × tokensPerByte + messages × messageTokens + the rest, by recursive least squares with forgetting.
 *
 * The rest (a default system prompt, the invitation to answer) is fitted so that it does not spoil the others, and is not used: nobody
 * knows on which side of a match it stands.
 */
export class TokenFit {
  readonly #bytesPerTokenAssumed: number;
  readonly #weights = [1, MESSAGE_ASSUMED_TOKENS, 0];
  /** Of one prompt, and used again for the next one. */
  readonly #x = [0, 0, 0];
  readonly #px = [0, 0, 0];
  readonly #covariance = [PRIOR[0]!, 0, 0, 0, PRIOR[1]!, 0, 0, 0, PRIOR[2]!];

  constructor(bytesPerTokenAssumed: number) {
    this.#bytesPerTokenAssumed = bytesPerTokenAssumed;
  }

  get tokensPerByte(): number {
    return Math.min(TOKENS_PER_BYTE_MAX, Math.max(TOKENS_PER_BYTE_MIN, this.#weights[0]! / this.#bytesPerTokenAssumed));
  }

  get messageTokens(): number {
    return Math.min(MESSAGE_TOKENS_MAX, Math.max(0, this.#weights[1]!));
  }

  /** An engine counted this prompt. */
  learn(chain: Chain, promptTokens: number): void {
    this.learnSize({ bytes: chainBytes(chain), messages: messagesOf(chain) }, promptTokens);
  }

  learnSize({ bytes, messages }: PromptSize, promptTokens: number): void {
    // By what was expected where that is more: else a prompt of spaces, which has hardly any tokens, would outweigh hundreds of others.
    const expectedTokens = bytes * this.tokensPerByte + messages * this.messageTokens;
    const scale = 1 / Math.max(NOISE_TOKENS_MIN, NOISE_SHARE * Math.max(promptTokens, expectedTokens));
    const [x, px] = [this.#x, this.#px];
    x[0] = (bytes / this.#bytesPerTokenAssumed) * scale;
    x[1] = messages * scale;
    x[2] = scale;
    const p = this.#covariance;
    for (let row = 0; row < 3; row++) px[row] = p[3 * row]! * x[0] + p[3 * row + 1]! * x[1] + p[3 * row + 2]! * x[2];
    const denominator = KEPT + dot(x, px);
    const error = promptTokens * scale - dot(x, this.#weights);
    for (let row = 0; row < 3; row++) {
      this.#weights[row]! += (px[row]! / denominator) * error;
      for (let column = 0; column < 3; column++) p[3 * row + column] = (p[3 * row + column]! - (px[row]! * px[column]!) / denominator) / KEPT;
    }
    this.#bound();
  }

  /**
   * What no prompt tells about must not become uncertain without end: where all prompts have one message, it and the rest are one. Rows and
   * columns shrink together, because a matrix whose diagonal alone is cut is no covariance any more, and the fit runs away.
   */
  #bound(): void {
    const p = this.#covariance;
    const shrink = this.#x;
    for (let i = 0; i < 3; i++) shrink[i] = Math.min(1, Math.sqrt(PRIOR[i]! / p[4 * i]!));
    for (let row = 0; row < 3; row++) for (let column = 0; column < 3; column++) p[3 * row + column]! *= shrink[row]! * shrink[column]!;
  }

  /**
   * Fills in what no engine has told: `tokenEnds[i]` is 0 there, and the tokens up to the end of block i elsewhere.
   *
   * Gives how many leading blocks end where an engine has told.
   */
  fill(chain: Chain, tokenEnds: number[]): number {
    const { tokensPerByte, messageTokens } = this;
    let tokens = 0;
    let bytes = 0;
    let counted = 0;
    for (let i = 0; i < chain.length; i++) {
      const end = chain.ends[i]!;
      tokens += (end - bytes) * tokensPerByte + ((chain.marks[i]! & MESSAGE_END) === 0 ? 0 : messageTokens);
      const told = tokenEnds[i]!;
      tokenEnds[i] = tokens;
      if (told > 0) {
        fitTokenEnds(tokenEnds, counted, i, told);
        // What was told of one prompt may lie below what was told of another; ends never fall.
        tokens = tokenEnds[i] = Math.max(told, counted === 0 ? 0 : tokenEnds[counted - 1]!);
        counted = i + 1;
      }
      bytes = end;
    }
    return counted;
  }
}

/**
 * Fits the ends that were estimated, those of blocks `from` to `to`, to what an engine counted up to the end of block `to`.
 *
 * Changes nothing where the count cannot be right.
 */
export function fitTokenEnds(tokenEnds: number[], from: number, to: number, counted: number): void {
  const base = from === 0 ? 0 : tokenEnds[from - 1]!;
  if (to < from || counted <= base || tokenEnds[to]! <= base) return;
  const stretch = (counted - base) / (tokenEnds[to]! - base);
  for (let i = from; i <= to; i++) tokenEnds[i] = base + (tokenEnds[i]! - base) * stretch;
}

export function messagesOf(chain: Chain): number {
  let messages = 0;
  for (let i = 0; i < chain.length; i++) messages += chain.marks[i]! & MESSAGE_END;
  return messages;
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a[0]! * b[0]! + a[1]! * b[1]! + a[2]! * b[2]!;
}
