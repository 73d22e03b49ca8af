// account.ts: what one attempt means for the estimate of its endpoint, from dispatch to outcome.

import type { Outcome } from '../core/dispatcher.ts';
import type { GenerationFacts } from '../core/request.ts';
import type { ModelKey } from '../prefix/model-key.ts';
import type { Estimate } from './estimate.ts';
import type { LearnedModel } from './learned-model.ts';

export interface AccountTerms {
  readonly facts: GenerationFacts;
  readonly key: ModelKey;
  readonly learned: LearnedModel;
  /** Whether its prompts are recorded in the index. */
  readonly recorded: boolean;
  /** Estimated prompt tokens that the engine has to compute. */
  readonly uncachedTokens: number;
  readonly predictedCachedTokens: number;
}

/**
 * Opened when an attempt is dispatched: its prompts are provisional and its work is queued. `confirm` when the first token came,
 * `close` once at the end.
 */
export class Account {
  readonly #estimate: Estimate;
  readonly #terms: AccountTerms;
  readonly #tokensPerByte: number;
  readonly #epoch: number;
  #confirmed = false;

  constructor(estimate: Estimate, terms: AccountTerms) {
    this.#estimate = estimate;
    this.#terms = terms;
    this.#tokensPerByte = terms.learned.tokensPerByte;
    estimate.queuedTokens += terms.uncachedTokens;
    let epoch = 0;
    if (terms.recorded) for (const chain of terms.facts.prompts) epoch = estimate.index.record(chain, terms.key, this.#tokensPerByte);
    this.#epoch = epoch;
  }

  /** The prefill is done: the prompts are in the cache. */
  confirm(nowMs: number): void {
    if (this.#confirmed) return;
    this.#confirmed = true;
    this.#estimate.queuedTokens -= this.#terms.uncachedTokens;
    this.#touch(nowMs);
  }

  close(outcome: Outcome, nowMs: number): void {
    if (outcome.kind === 'complete') {
      this.confirm(nowMs);
      this.#learn(outcome, nowMs);
    } else if (this.#confirmed) {
      // The engine frees the blocks of what was cut off too, at its end.
      this.#touch(nowMs);
    } else {
      this.#estimate.queuedTokens -= this.#terms.uncachedTokens;
    }
    this.#release();
    if (outcome.kind === 'reset' && this.#confirmed) this.#estimate.index.forget();
  }

  #learn({ usage }: Outcome & { kind: 'complete' }, nowMs: number): void {
    const { facts, learned, predictedCachedTokens } = this.#terms;
    if (usage !== undefined) learned.noteAnswer(usage.completionTokens / facts.weight);
    if (facts.teaches) this.#estimate.compare(predictedCachedTokens, usage);
    // vLLM frees the blocks at the end of the request, so that is when they were used last.
    this.#touch(nowMs);
    const [only] = facts.prompts;
    if (this.#terms.recorded && facts.prompts.length === 1) {
      this.#estimate.index.recordAnswer(only, this.#terms.key, usage?.completionTokens ?? learned.meanAnswerTokens, nowMs, this.#epoch);
    }
  }

  #touch(nowMs: number): void {
    if (!this.#terms.recorded) return;
    for (const chain of this.#terms.facts.prompts) this.#estimate.index.confirm(chain, this.#terms.key, this.#tokensPerByte, nowMs, this.#epoch);
  }

  #release(): void {
    if (!this.#terms.recorded) return;
    for (const chain of this.#terms.facts.prompts) this.#estimate.index.release(chain, this.#terms.key, this.#epoch);
  }
}
