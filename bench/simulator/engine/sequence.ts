// sequence.ts: a request as the scheduler sees it.

import type { StepWork } from './step-time.ts';

/** What the engine has to know of a request. The answer is decided beforehand: the engine gives it out token by token. */
export interface EngineRequest {
  readonly promptTokens: number;
  /** At least 1; the request finishes with that token. */
  readonly outputTokens: number;
  /** Keys of the full blocks of prompt and answer together. */
  readonly keys: Float64Array;
  /** False looks nothing up in the cache (as vLLM does for `prompt_logprobs`) but still fills it. */
  readonly readsCache: boolean;
}

/** A request in the engine. */
export interface Sequence<R extends EngineRequest> {
  readonly request: R;
  readonly readyAtS: number;
  /** Tokens of the prompt found in the cache when it was first admitted; undefined until then. */
  cachedTokens: number | undefined;
  generatedTokens: number;
  computedTokens: number;
  preemptions: number;
  blocks: number[];
  registeredBlocks: number;
  state: 'arriving' | 'waiting' | 'running' | 'done';
}

export function newSequence<R extends EngineRequest>(request: R, readyAtS: number): Sequence<R> {
  return {
    request,
    readyAtS,
    cachedTokens: undefined,
    generatedTokens: 0,
    computedTokens: 0,
    preemptions: 0,
    blocks: [],
    registeredBlocks: 0,
    state: 'arriving',
  };
}

/** Prompt and answer so far. */
export function tokensOf(sequence: Sequence<EngineRequest>): number {
  return sequence.request.promptTokens + sequence.generatedTokens;
}

/** Counts what computing the next `tokens` of a sequence costs in a step. */
export function addWork(work: StepWork, sequence: Sequence<EngineRequest>, tokens: number): void {
  const before = sequence.computedTokens;
  if (tokens === 1 && before >= sequence.request.promptTokens) {
    work.decodes += 1;
    work.contextTokens += before;
    return;
  }
  work.prefillTokens += tokens;
  work.attentionTokens += tokens * (before + tokens / 2);
}
