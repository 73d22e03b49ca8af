// request.ts: what a decision needs to know about a request, and nothing of its bytes.

import type { Chain } from './chain.ts';

/** The APIs whose answers are generated, and so routed by the listener's policy. */
export type Surface = 'chat' | 'completions' | 'responses' | 'messages';

/** A request that has a prompt. */
export interface GenerationFacts {
  readonly kind: 'generation';
  readonly surface: Surface;
  /** As the client wrote it; empty when the body has none. */
  readonly model: string;
  readonly stream: boolean;
  /** One, but for a completion with a list of prompts. Never empty. */
  readonly prompts: readonly [Chain, ...Chain[]];
  /** Blocks up to the end of the first user message, of the first prompt: what keeps a conversation on its target. */
  readonly openingBlocks: number;
  /** How many sequences the engine will run for it: n × prompts. */
  readonly weight: number;
  /** Whether the engine's report about it says something about the cache or the tokenizer. */
  readonly teaches: boolean;
  /** Its stream will end without usage, unless the engine is asked for it; what that adds to the answer can be taken back. */
  readonly canAskUsage: boolean;
  /** The client's own `cache_salt`; empty where it has none. */
  readonly cacheSalt: string;
  /** The answer that this request continues; it lives in the memory of one endpoint. */
  readonly previousResponseId: string | undefined;
}

/** A request that is forwarded unread, to the endpoint with the least in-flight. */
export interface ByLoadFacts {
  readonly kind: 'by-load';
}

/** A request about a stored answer, which only the endpoint that gave it knows. */
export interface StoredResponseFacts {
  readonly kind: 'stored-response';
  readonly responseId: string;
}

export type RequestFacts = GenerationFacts | ByLoadFacts | StoredResponseFacts;

export type Criticality = 'critical' | 'standard' | 'sheddable';
