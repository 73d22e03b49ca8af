// choice-answers.ts: choices and explanations as operators read them.

import type { Choice, Considered, Explanation } from '../core/choice.ts';

/** As it is told by HTTP. `at` is a time of day, made of `nowMs` of the dispatcher's clock. */
export function choiceAnswer(choice: Choice, nowMs: number) {
  return {
    ...headAnswer(choice, nowMs),
    candidates: choice.considered.map(considered),
    candidates_total: choice.endpoints,
  };
}

/** The same without the candidates. */
export function headAnswer(choice: Choice, nowMs: number) {
  return {
    seq: choice.seq,
    at: new Date(Date.now() - (nowMs - choice.atMs)).toISOString(),
    request: choice.request,
    listener: choice.listener,
    policy: choice.policy,
    model: choice.model,
    prompt_tokens: choice.promptTokens,
    blocks: choice.blocks,
    matched_tokens: choice.matchedTokens,
    match_ratio: round(choice.matchRatio, 1000),
    predicted_cached_tokens: choice.predictedCachedTokens,
    reported_cached_tokens: choice.reportedCachedTokens ?? null,
    endpoint: choice.endpoint,
    runner_up: choice.runnerUp ?? null,
    sentence: choice.sentence,
    outcome: choice.outcome,
    ttft_ms: choice.ttftMs === undefined ? null : round(choice.ttftMs, 10),
    duration_ms: choice.durationMs === undefined ? null : round(choice.durationMs, 10),
    trace_id: choice.traceId,
  };
}

export function explanationAnswer(explanation: Explanation) {
  return {
    decision: explanation.decision,
    listener: explanation.listener,
    policy: explanation.policy,
    model: explanation.model,
    prompt_bytes: explanation.promptBytes,
    prompt_tokens: explanation.promptTokens,
    blocks: explanation.blocks,
    matched_tokens: explanation.matchedTokens,
    match_ratio: round(explanation.matchRatio, 1000),
    predicted_cached_tokens: explanation.predictedCachedTokens,
    endpoint: explanation.endpoint ?? null,
    runner_up: explanation.runnerUp ?? null,
    sentence: explanation.sentence,
    candidates: explanation.considered.map(considered),
  };
}

export function considered(each: Considered) {
  return {
    endpoint: each.endpoint,
    available: each.available,
    because: each.because,
    matched_tokens: each.matchedTokens,
    match_ratio: round(each.matchRatio, 1000),
    uncached_tokens: Math.round(each.uncachedTokens),
    inserted_tokens: Math.round(each.insertedTokens),
    queued_tokens: Math.round(each.queuedTokens),
    pressure: round(each.pressure, 1000),
    overfull_tokens: Math.round(each.overfullTokens),
    in_flight: round(each.inFlight, 10),
    cost: each.cost === undefined ? null : Math.round(each.cost),
  };
}

function round(value: number, steps: number): number {
  return Math.round(value * steps) / steps;
}
