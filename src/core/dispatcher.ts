// dispatcher.ts: the one seam. What moves bytes stands on one side, what decides on the other, and plain data crosses.

import type { PolicyName } from './policy-name.ts';
import type { Criticality, RequestFacts } from './request.ts';

/** A request that wants an endpoint. */
export interface Ask {
  readonly facts: RequestFacts;
  /** The name of the listener it came in by: that says the policy. */
  readonly listener: string;
  /** Endpoints that were tried for it already. */
  readonly excluded: readonly string[];
}

/** Where an attempt goes. */
export interface EndpointAddress {
  /** `host:port`, unique; live state is keyed by it. */
  readonly id: string;
  readonly pool: string;
  /** `http://host:port` */
  readonly origin: string;
  /** Sent as a bearer token, when the pool has one. */
  readonly apiKey: string | undefined;
}

/** One attempt, granted. It holds a lease until `finish` is called with its number. */
export interface Assignment {
  readonly kind: 'assigned';
  /** Names this attempt in `firstToken` and `finish`. */
  readonly attempt: number;
  readonly endpoint: EndpointAddress;
  /** The model under the name it is configured or served by, so a bounded set. Empty for what is forwarded unread. */
  readonly model: string;
  /** What the body's `model` must be replaced with; undefined when the bytes go as they came. */
  readonly upstreamModel: string | undefined;
  /** The engine is asked for usage that the client did not ask for and does not get. */
  readonly asksUsage: boolean;
  readonly criticality: Criticality;
  readonly policy: PolicyName;
  /** Share of the prompt (0..1) that the endpoint probably holds, counting only blocks of prompts that were sent. */
  readonly matchRatio: number;
  /** Estimated tokens of the prompt. */
  readonly promptTokens: number;
  /** Estimated tokens of it that the engine will not compute again. */
  readonly predictedCachedTokens: number;
}

export type RefusalReason = 'model_required' | 'model_unknown' | 'model_not_ready' | 'no_endpoint_available' | 'response_unknown' | 'overloaded';

/** No attempt: what the client is told. */
export interface Refusal {
  readonly kind: 'refused';
  readonly reason: RefusalReason;
  readonly status: 400 | 404 | 429 | 503;
  readonly message: string;
  /** The field of the body that is to blame. */
  readonly param: string | undefined;
  readonly retryAfterS: number | undefined;
}

/** What an engine says about the work an answer took, in tokens. */
export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Undefined when the engine does not say. */
  readonly cachedTokens: number | undefined;
}

/** How an attempt ended. What each means for the estimate and for health is the dispatcher's business. */
export type Outcome =
  /** The whole answer came, with its terminal event or its full length. */
  | { readonly kind: 'complete'; readonly usage: Usage | undefined; readonly responseId: string | undefined }
  /** The endpoint answered with an error before any part of an answer: it computed nothing. */
  | { readonly kind: 'rejected'; readonly status: number }
  /** No connection came about: nothing was sent. `refused` says that nothing listens there. */
  | { readonly kind: 'unreachable'; readonly refused: boolean }
  /** The connection broke. `stale` says that it was an idle one, reused, and no byte came back. */
  | { readonly kind: 'reset'; readonly stale: boolean }
  /** The answer ended cleanly, but short. */
  | { readonly kind: 'truncated' }
  /** The endpoint reported an error in the middle of its answer. */
  | { readonly kind: 'failed' }
  | { readonly kind: 'timeout'; readonly limit: 'first_byte_ms' | 'idle_ms' | 'total_ms' }
  /** The client left, or stopped reading for too long: nobody's failure. */
  | { readonly kind: 'client_gone' };

/**
 * Decides where requests go and learns from how they end.
 *
 * Every assignment is finished exactly once, and a failed attempt before the next one is asked for.
 */
export interface Dispatcher {
  assign(ask: Ask): Assignment | Refusal;
  /** The engine began to answer: its prefill is done. `responseId` when the answer has one that later requests can name. */
  firstToken(attempt: number, responseId?: string): void;
  finish(attempt: number, outcome: Outcome): void;
}
