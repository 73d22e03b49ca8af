// exchange.ts: one request of a run, from its arrival at the router to the end of its answer.

import type { GenerationFacts } from '../../src/core/request.ts';
import type { EngineRequest, Sequence } from '../simulator/engine/sequence.ts';

/** What the router gets to see, and beside it what other routers, which read text, would know. */
export interface LabFacts extends GenerationFacts {
  /** Whoever sends it under one id is one conversation. */
  readonly session: number;
  /** What the first user message begins with. */
  readonly openingId: number;
  readonly promptTokens: number;
  /** Of blocks of 16 tokens of the prompt, chained; the answer's follow behind those. */
  readonly keys: Float64Array;
}

export interface Exchange extends EngineRequest {
  readonly facts: LabFacts;
  readonly arrivedS: number;
  readonly onDone: ((nowS: number) => void) | undefined;
  /** Of the last try. */
  attempt: number;
  replica: number;
  sequence: Sequence<Exchange> | undefined;
  tried: string[];
  predictedTokens: number;
  firstTokenS: number | undefined;
  endS: number | undefined;
  failed: boolean;
}
