// counted-tokens.ts: how many tokens prompts have by an engine's counter of queried tokens, where its answers never say.

import { type Chain, chainBytes } from '../core/chain.ts';
import { messagesOf, type PromptSize, type TokenFit } from './token-fit.ts';

/** A prompt or two are counted in another window than their first token: of so many that does not matter much. */
const PROMPTS_MIN = 16;
/** Before anything is learned, so many windows in a row agree: while others are served too, they hardly do. */
const WINDOWS_MIN = 3;
const SPREAD_MAX = 1.1;
const TOKENS_PER_BYTE_MIN = 1 / 8;
const TOKENS_PER_BYTE_MAX = 1;

/** Teaches a model's fit the mean prompt of each window, while these are plausible and agree. */
export class CountedTokens {
  #startTotal: number | undefined;
  #sum: PromptSize & { readonly prompts: number } = { bytes: 0, messages: 0, prompts: 0 };
  #fit: TokenFit | undefined;
  /** The window holds prompts that say nothing of tokens by bytes, or of several models. */
  #mixed = false;
  #ratios: number[] = [];

  /** The first token of a prompt came; `fit` is its model's, undefined where its bytes say little of its tokens. */
  note(chain: Chain, fit: TokenFit | undefined): void {
    this.#fit ??= fit;
    if (fit === undefined || fit !== this.#fit) this.#mixed = true;
    const { bytes, messages, prompts } = this.#sum;
    this.#sum = { bytes: bytes + chainBytes(chain), messages: messages + messagesOf(chain), prompts: prompts + 1 };
  }

  sample(queriesTotal: number): void {
    const start = this.#startTotal;
    const { bytes, messages, prompts } = this.#sum;
    if (start !== undefined && queriesTotal >= start && prompts < PROMPTS_MIN) return;
    const fit = this.#mixed ? undefined : this.#fit;
    this.#open(queriesTotal);
    if (start === undefined || queriesTotal < start || fit === undefined) return;
    const tokens = queriesTotal - start;
    this.#ratios = [...this.#ratios.slice(1 - WINDOWS_MIN), tokens / bytes];
    if (this.#agree()) fit.learnSize({ bytes: bytes / prompts, messages: messages / prompts }, tokens / prompts);
  }

  /** The counters began anew, or say nothing: what is under way belongs to what was before. */
  forget(): void {
    this.#ratios = [];
    this.#open(undefined);
  }

  #open(startTotal: number | undefined): void {
    this.#startTotal = startTotal;
    this.#sum = { bytes: 0, messages: 0, prompts: 0 };
    this.#fit = undefined;
    this.#mixed = false;
  }

  #agree(): boolean {
    const least = Math.min(...this.#ratios);
    const most = Math.max(...this.#ratios);
    return this.#ratios.length === WINDOWS_MIN && most <= SPREAD_MAX * least && least >= TOKENS_PER_BYTE_MIN && most <= TOKENS_PER_BYTE_MAX;
  }
}
