// generation.ts: one choice of one request on its way through the engine.

import type { EngineRequest, Sequence } from './engine/sequence.ts';
import type { Answer } from './text/answer.ts';
import type { ApiError } from './http/api-error.ts';

export type FinishReason = Answer['finishReason'] | 'abort';

/** Hears of each token, the last one with its finish reason; `abort` may come without a token, at -1. */
export interface Listener {
  token(generation: Generation, at: number, finish: FinishReason | undefined): void;
  fail(error: ApiError): void;
}

export interface Generation extends EngineRequest {
  /** Place among the choices of the request. */
  readonly index: number;
  readonly model: string;
  readonly prompt: Int32Array;
  readonly answer: Answer;
  readonly tokensMax: number;
  readonly listener: Listener;
  readonly arrivedMs: number;
  sequence: Sequence<Generation> | undefined;
  /** Told to the listener; after an abort the engine may have computed one more. */
  deliveredTokens: number;
  firstTokenMs: number | undefined;
  lastTokenMs: number | undefined;
  finish: FinishReason | undefined;
}

export interface Usage {
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens: number;
  /** Prompt tokens that were put into the cache by this request. */
  readonly createdTokens: number;
}

/** What a request cost. Choices share a prompt, which counts once; of several prompts vLLM reports one's cached tokens. */
export function usageOf(generations: readonly Generation[], blockTokens: number): Usage {
  const prompts = new Set<Int32Array>();
  let promptTokens = 0;
  let outputTokens = 0;
  for (const { prompt, deliveredTokens } of generations) {
    outputTokens += deliveredTokens;
    if (prompts.has(prompt)) continue;
    prompts.add(prompt);
    promptTokens += prompt.length;
  }
  const first = generations[0];
  const cachedTokens = first?.sequence?.cachedTokens ?? 0;
  const fullTokens = first === undefined ? 0 : Math.floor(first.prompt.length / blockTokens) * blockTokens;
  return { promptTokens, outputTokens, cachedTokens, createdTokens: fullTokens - cachedTokens };
}
