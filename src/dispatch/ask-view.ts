// ask-view.ts: one request seen against all available endpoints: the place where prefix and balance meet.
//
// What each request goes through is written in loops that push: the arrays of `map` are of one kind until their function is compiled and of another one
// from then on, and all that reads them is compiled again, for both (#byPolicy and six others after 35,000 requests, for 10,000 more).

import type { Chain } from '../core/chain.ts';
import { chainBytes } from '../core/chain.ts';
import { type Candidate, prefixCost } from '../balance/policy.ts';
import { type CacheRoom, pressures } from '../balance/pressure.ts';
import { discountedSums, heldTokens, messageEnd, uncachedTokens } from '../balance/uncached.ts';
import type { ModelKey } from '../prefix/model-key.ts';
import type { SharedBlocks, Trail } from '../prefix/shared-blocks.ts';
import type { Estimate } from './estimate.ts';
import type { LearnedModel } from './learned-model.ts';

/** What one endpoint means for this request. */
export interface View extends Candidate {
  readonly estimate: Estimate;
  /** Estimated tokens of the prompt that it holds, not floored to the engine's blocks. */
  readonly heldTokens: number;
  /** Of these, tokens of an answer that came back: 0 when none did, or answers are found not to be reused. */
  readonly answerTokens: number;
}

export interface AskContext {
  readonly key: ModelKey;
  readonly learned: LearnedModel;
  readonly nowMs: number;
  /** Available endpoints, those included that this request has tried already. */
  readonly endpoints: number;
}

/** The longest prompt of a request, in the engine's tokens. */
export interface SizedPrompt {
  readonly chain: Chain;
  /** Tokens up to the end of each block. */
  readonly tokenEnds: number[];
  /** How many leading blocks end where an engine has counted. */
  readonly counted: number;
  readonly branches: readonly number[];
}

/** `matched`: at how many leading blocks, of those of its trail, it matters how many tokens they are. */
export function sizePrompt(chain: Chain, matched: readonly number[], shared: SharedBlocks, trail: Trail, learned: LearnedModel): SizedPrompt {
  const { length } = chain;
  const tokenEnds = chain.ends.slice(0, length).fill(0);
  const branches = chain.marks.slice(0, length).fill(1);
  let most = 0;
  for (const blocks of matched) if (blocks > most) most = blocks;
  shared.readBranches(trail, most, branches);
  for (const blocks of matched) if (blocks > 0) tokenEnds[blocks - 1] = shared.tokensEnd(trail, blocks - 1);
  return { chain, tokenEnds, counted: learned.tokens.fill(chain, tokenEnds), branches };
}

/** How many leading blocks of the chain each endpoint holds. */
export function matchEndpoints(estimates: readonly Estimate[], chain: Chain, key: ModelKey, { reach }: Trail): number[] {
  const matched: number[] = [];
  let guess = 0;
  for (const { index, holder } of estimates) {
    // Most prompts begin like few others, and an index that is not looked into costs nothing.
    const most = reach[holder % reach.length]!;
    const blocks = most === 0 ? 0 : index.matchedBlocks(chain, key, most, guess);
    if (blocks > 0) guess = blocks;
    matched.push(blocks);
  }
  return matched;
}

export function promptTokensOf({ chain, tokenEnds }: SizedPrompt): number {
  return chain.length === 0 ? 0 : tokenEnds[chain.length - 1]!;
}

/** Others like it come: with room for one request `chat 20/s` of the lab has 1.22 times the best mean TTFT, with room for two 1.08 to 1.14. */
const ROOM_WANTED = 2;

/** Reused between requests: the chain of a long prompt has hundreds of blocks. */
let sums = new Float64Array(512);

/** One view for each estimate, in the same order. */
export function viewEndpoints(estimates: readonly Estimate[], matched: readonly number[], prompt: SizedPrompt, ask: AskContext): View[] {
  const { key, nowMs, learned } = ask;
  const { chain, tokenEnds } = prompt;
  if (sums.length <= chain.length) sums = new Float64Array(2 * chain.length);
  discountedSums(chain, tokenEnds, prompt.branches, ask.endpoints, sums);

  const bytes = chainBytes(chain);
  const promptTokens = promptTokensOf(prompt);
  const answersCount = learned.answersAreReused;
  const answers: number[] = [];
  const held: number[] = [];
  const caches: CacheRoom[] = [];
  for (let i = 0; i < estimates.length; i++) {
    const { index } = estimates[i]!;
    const answerTokens = answersCount ? index.answerTokens(chain, key, matched[i]!) : 0;
    const tokens = Math.min(promptTokens, heldTokens(chain, tokenEnds, matched[i]!) + answerTokens);
    answers.push(answerTokens);
    held.push(tokens);
    caches.push({
      capacityTokens: index.capacityTokens,
      roomTokens: index.capacityTokens - index.tokens,
      insertedTokens: promptTokens - tokens + learned.meanAnswerTokens,
      tailAgeMs: index.tailAgeMs(nowMs),
    });
  }
  const pressure = pressures(caches);
  const views: View[] = [];
  for (let i = 0; i < estimates.length; i++) {
    const estimate = estimates[i]!;
    const blocks = matched[i]!;
    const inFlight = estimate.inFlight(nowMs);
    const { queuedTokens } = estimate;
    const uncached = uncachedTokens(chain, sums, answers[i]! > 0 ? messageEnd(chain, blocks) : blocks);
    const { insertedTokens, capacityTokens } = caches[i]!;
    const overfullTokens = Math.max(0, estimate.index.inUseTokens + ROOM_WANTED * insertedTokens - capacityTokens);
    views.push({
      estimate,
      inFlight,
      matchRatio: bytes === 0 || blocks === 0 ? 0 : chain.ends[blocks - 1]! / bytes,
      queuedTokens,
      uncachedTokens: uncached,
      insertedTokens,
      pressure: pressure[i]!,
      overfullTokens,
      cost: prefixCost({ inFlight, queuedTokens, uncachedTokens: uncached, insertedTokens, pressure: pressure[i]!, overfullTokens }),
      heldTokens: held[i]!,
      answerTokens: answers[i]!,
    });
  }
  return views;
}

/** What the engine will report: whole blocks of its own, and never the whole prompt. */
export function predictCachedTokens(heldTokens: number, promptTokens: number, blockSize: number): number {
  return Math.max(0, Math.floor(Math.min(heldTokens, promptTokens - 1) / blockSize) * blockSize);
}
