// account.ts: what one attempt means for the estimate of its endpoint, from dispatch to outcome.

import type { Outcome, Usage } from '../core/dispatcher.ts';
import type { GenerationFacts } from '../core/request.ts';
import type { ModelKey } from '../prefix/model-key.ts';
import type { Hold } from '../prefix/prefix-index.ts';
import type { SharedBlocks } from '../prefix/shared-blocks.ts';
import type { Stretch } from '../prefix/stretch.ts';
import { promptTokensOf, type SizedPrompt } from './ask-view.ts';
import type { Estimate } from './estimate.ts';
import type { LearnedModel } from './learned-model.ts';
import { fitTokenEnds } from './token-fit.ts';

export interface AccountTerms {
  readonly facts: GenerationFacts;
  readonly key: ModelKey;
  readonly learned: LearnedModel;
  /** Its prompts, the longest first. */
  readonly prompts: readonly [SizedPrompt, ...SizedPrompt[]];
  /** Whether they are to be recorded in the index. */
  readonly recorded: boolean;
  /** Estimated prompt tokens that the engine has to compute. */
  readonly uncachedTokens: number;
  readonly predictedCachedTokens: number;
  readonly nowMs: number;
}

/** Of its answer, that a running request has on average. */
const GROWN_SHARE = 1 / 2;

/** So much less than was predicted is no matter of rounding. */
const MISSED_BLOCKS = 2;
const NOTHING_KNOWN: readonly Stretch[] = [];

/**
 * Opened when an attempt is dispatched: its prompts are provisional and its work is queued. `confirm` when the first token came,
 * `close` once at the end.
 */
export class Account {
  readonly #estimate: Estimate;
  readonly #shared: SharedBlocks;
  readonly #terms: AccountTerms;
  /** Of its prompts, if they are in the index: as they are to be, while there is memory. */
  readonly #holds: Hold[] = [];
  /** What was believed before the cache was found empty is not compared with reports. */
  readonly #forgets: number;
  /** Of others, at dispatch. */
  readonly #provisionalTokens: number;
  #growing = 0;
  #confirmed = false;

  constructor(estimate: Estimate, shared: SharedBlocks, terms: AccountTerms) {
    this.#estimate = estimate;
    this.#shared = shared;
    this.#terms = terms;
    this.#provisionalTokens = estimate.queuedTokens;
    estimate.queuedTokens += terms.uncachedTokens;
    this.#forgets = estimate.forgets;
    const { chain, tokenEnds } = terms.prompts[0];
    if (terms.facts.teaches) estimate.noteDispatch(terms.predictedCachedTokens, chain, terms.key, tokenEnds);
    if (terms.recorded) this.#record();
  }

  #record(): void {
    const { prompts, key, nowMs } = this.#terms;
    const { index } = this.#estimate;
    let blocks = 0;
    for (const { chain } of prompts) blocks += chain.length;
    if (index.hasMemoryFor(blocks)) for (const { chain, tokenEnds } of prompts) this.#holds.push(index.record(chain, key, tokenEnds, nowMs));
  }

  /** The prefill is done: the prompts are in the cache. */
  confirm(nowMs: number): void {
    if (this.#confirmed) return;
    this.#noteComputed();
    this.#touch(nowMs);
    if (this.#holds.length > 0) this.#grow(GROWN_SHARE * this.#terms.learned.meanAnswerTokens * this.#terms.facts.weight);
  }

  #noteComputed(): void {
    this.#confirmed = true;
    this.#estimate.queuedTokens -= this.#terms.uncachedTokens;
    this.#count();
  }

  #grow(tokens: number): void {
    this.#growing = tokens;
    this.#estimate.index.grow(tokens, this.#holds[0]!.epoch);
  }

  close(outcome: Outcome, nowMs: number): void {
    if (this.#growing > 0) this.#grow(-this.#growing);
    if (outcome.kind === 'complete') {
      if (!this.#confirmed) this.#noteComputed();
      if (this.#terms.facts.teaches) this.#estimate.noteAnswer(outcome.usage !== undefined);
      const isCounted = outcome.usage !== undefined && this.#fit(outcome.usage);
      // What it says of others tells whether its own prompt is held.
      if (outcome.usage !== undefined) this.#learn(outcome.usage, nowMs);
      // vLLM frees the blocks at the end of the request, so that is when they were used last.
      this.#touch(nowMs, isCounted);
      this.#keepAnswer(outcome.usage, nowMs);
    } else if (this.#confirmed) {
      // The engine frees the blocks of what was cut off too, at its end.
      this.#touch(nowMs);
    } else {
      this.#estimate.queuedTokens -= this.#terms.uncachedTokens;
    }
    this.#release();
    if (outcome.kind === 'reset' && this.#confirmed) this.#estimate.forget();
  }

  /** The engine has looked its prompts up, and counted what it found. */
  #count(): void {
    const { facts, prompts, learned } = this.#terms;
    for (const { chain } of prompts) this.#estimate.noteSize(chain, facts.teaches ? learned.tokens : undefined);
    let promptTokens = 0;
    for (const prompt of prompts) promptTokens += promptTokensOf(prompt);
    const hold = this.#holds[0];
    const isEvidence = hold !== undefined && facts.teaches && this.#forgets === this.#estimate.forgets;
    this.#estimate.notePrompt(isEvidence ? { stretches: hold.stretches, answerTokens: hold.answerTokens, promptTokens } : undefined, promptTokens);
  }

  /**
   * The engine has counted the tokens: its blocks are touched with these. Answers have other tokens a byte than questions, so estimates would add up wrongly.
   *
   * Returns whether others are to know of them.
   */
  #fit({ promptTokens }: Usage): boolean {
    const { facts, learned, prompts } = this.#terms;
    if (!facts.teaches) return false;
    const [{ chain, tokenEnds, counted }] = prompts;
    learned.tokens.learn(chain, promptTokens);
    if (this.#holds.length === 0) return false;
    fitTokenEnds(tokenEnds, counted, chain.length - 1, promptTokens);
    return true;
  }

  /** Learns from the engine's count of cached tokens. */
  #learn(usage: Usage, endedMs: number): void {
    const { facts, learned, prompts, predictedCachedTokens, nowMs } = this.#terms;
    const [{ chain }] = prompts;
    learned.noteAnswer(usage.completionTokens / facts.weight);
    if (!facts.teaches) return;
    this.#estimate.compare(predictedCachedTokens, usage.promptTokens, usage.cachedTokens);
    if (usage.cachedTokens === undefined) return;
    const { blockSize } = this.#estimate;
    if (this.#forgets !== this.#estimate.forgets) {
      if (usage.cachedTokens < predictedCachedTokens - MISSED_BLOCKS * blockSize) this.#estimate.noteServedSince(nowMs);
    } else {
      const hold = this.#holds[0];
      if (hold !== undefined && hold.answerTokens > 0) this.#judgeAnswer(hold, usage.cachedTokens);
      this.#estimate.learn({ stretches: hold?.stretches ?? NOTHING_KNOWN, cachedTokens: usage.cachedTokens, dispatchedMs: nowMs, endedMs, provisionalTokens: this.#provisionalTokens, prompt: chain.hashes[2 * chain.length - 2] ?? 0, promptTokens: usage.promptTokens });
    }
  }

  /** The answer is the last stretch: the ones before it say where it begins. Where they were missed already, it says nothing. */
  #judgeAnswer({ stretches, answerTokens }: Hold, cachedTokens: number): void {
    const end = stretches.at(-1)?.tokensEnd ?? 0;
    const start = end - answerTokens;
    const slack = this.#estimate.blockSize;
    if (cachedTokens >= start - slack) this.#terms.learned.noteAnswerReused(cachedTokens >= end - slack - answerTokens / 2);
  }

  #keepAnswer(usage: Usage | undefined, nowMs: number): void {
    const { prompts, learned, facts } = this.#terms;
    const [hold] = this.#holds;
    if (hold === undefined || prompts.length > 1) return;
    // Of several sequences the client goes on with one.
    const generated = usage === undefined ? learned.meanAnswerTokens : usage.completionTokens / facts.weight;
    const promptTokens = promptTokensOf(prompts[0]);
    // The last token was never computed with, and an engine keeps whole blocks: what is left of the last one is given to whoever comes next.
    const { blockSize } = this.#estimate;
    const keptTokens = Math.floor((promptTokens + generated - 1) / blockSize) * blockSize;
    const answerTokens = keptTokens - promptTokens;
    const heldAtMs = this.#estimate.heldAtMs(this.#terms.nowMs, nowMs);
    if (answerTokens > 0 && heldAtMs !== undefined) this.#estimate.index.recordAnswer(hold, answerTokens, heldAtMs);
  }

  /** `isCounted`: the token ends of its longest prompt are what the engine has counted. */
  #touch(nowMs: number, isCounted = false): void {
    const heldAtMs = this.#estimate.heldAtMs(this.#terms.nowMs, nowMs);
    const [{ tokenEnds, counted }] = this.#terms.prompts;
    for (const hold of this.#holds) {
      if (heldAtMs !== undefined) this.#estimate.index.confirm(hold, nowMs, heldAtMs);
      this.#shared.confirm(hold.chain, hold.model, isCounted && hold === this.#holds[0] ? tokenEnds : undefined, counted);
    }
  }

  #release(): void {
    for (const hold of this.#holds) this.#estimate.index.release(hold);
  }
}
