// ask-view.ts: one request seen against all available endpoints: the place where prefix and balance meet.

import type { GenerationFacts } from '../core/request.ts';
import { chainBytes } from '../core/chain.ts';
import type { Candidate } from '../balance/policy.ts';
import { pressures } from '../balance/pressure.ts';
import { discountedSums, heldBytes, uncachedTokens } from '../balance/uncached.ts';
import type { Branches } from '../prefix/branches.ts';
import type { ModelKey } from '../prefix/model-key.ts';
import type { Estimate } from './estimate.ts';

/** What one endpoint means for this request. */
export interface View extends Candidate {
  readonly estimate: Estimate;
  /** Estimated tokens of the prompt that it holds, not floored to the engine's blocks. */
  readonly heldTokens: number;
}

export interface AskContext {
  readonly facts: GenerationFacts;
  readonly key: ModelKey;
  readonly tokensPerByte: number;
  readonly meanAnswerTokens: number;
  readonly nowMs: number;
  /** Available endpoints, those included that this request has tried already. */
  readonly endpoints: number;
}

/** Reused between requests: the chain of a long prompt has hundreds of blocks. */
let branchCounts = new Uint8Array(512);
let sums = new Float64Array(513);

/** One view for each estimate, in the same order. */
export function viewEndpoints(estimates: readonly Estimate[], branches: Branches, ask: AskContext): View[] {
  const { key, tokensPerByte, nowMs } = ask;
  const [chain] = ask.facts.prompts;
  if (sums.length <= chain.length) {
    branchCounts = new Uint8Array(2 * chain.length);
    sums = new Float64Array(2 * chain.length + 1);
  }
  branches.branches(chain, key, chain.length, branchCounts);
  discountedSums(chain, tokensPerByte, branchCounts, ask.endpoints, sums);

  const bytes = chainBytes(chain);
  const matched = estimates.map(({ index }) => index.matchedBlocks(chain, key));
  const held = estimates.map(({ index }, i) => index.heldBlocks(chain, key, matched[i]!));
  const heldTokens = held.map((blocks) => heldBytes(chain, blocks) * tokensPerByte);
  const inserted = heldTokens.map((tokens) => bytes * tokensPerByte - tokens + ask.meanAnswerTokens);
  const pressure = pressures(
    estimates.map(({ index }, i) => ({ roomTokens: index.capacityTokens - index.confirmedTokens, insertedTokens: inserted[i]!, tailAgeMs: index.tailAgeMs(nowMs) })),
  );
  return estimates.map((estimate, i) => ({
    estimate,
    inFlight: estimate.endpoint.inFlight / estimate.endpoint.shareOfSlowStart(nowMs) + estimate.foreignInFlight(),
    matchRatio: bytes === 0 || matched[i] === 0 ? 0 : chain.ends[matched[i]! - 1]! / bytes,
    queuedTokens: estimate.queuedTokens,
    uncachedTokens: uncachedTokens(chain, sums, held[i]!),
    insertedTokens: inserted[i]!,
    pressure: pressure[i]!,
    heldTokens: heldTokens[i]!,
  }));
}

/** What the engine will report: whole blocks of its own, and never the whole prompt. */
export function predictCachedTokens(heldTokens: number, promptTokens: number, blockSize: number): number {
  return Math.max(0, Math.floor(Math.min(heldTokens, promptTokens - 1) / blockSize) * blockSize);
}
