// dispatcher.ts: the one seam. What moves bytes stands on one side, what decides on the other, and plain data crosses.

import type { Explanation } from './choice.ts';
import type { PolicyName } from './policy-name.ts';
import type { Criticality, GenerationFacts, RequestFacts } from './request.ts';

/** A request that wants an endpoint. */
export interface Ask {
  readonly facts: RequestFacts;
  /** The name of the listener it came in by: that says the policy. */
  readonly listener: string;
  /** Who sends it, where keys say so. */
  readonly tenant?: string | undefined;
  /** Endpoints that were tried for it already. */
  readonly excluded: readonly string[];
  /** Left out for a first attempt. `free`: the last one never reached an engine, or its connection broke; `budgeted`: it takes from the retry budget. */
  readonly retry?: 'free' | 'budgeted';
  /** What it keeps in memory while it waits; 0 when left out. */
  readonly bodyBytes?: number;
  /** For people who ask where it went. */
  readonly request?: string;
  readonly traceId?: string;
  /** The assignment is to say why. */
  readonly wantsReason?: boolean;
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
  /** When the ask wants it. */
  readonly reason?: { readonly matchedTokens: number; readonly sentence: string } | undefined;
}

export type RefusalReason =
  | 'model_required'
  | 'model_unknown'
  | 'model_not_ready'
  | 'no_endpoint_available'
  /** Of a retry: those that were tried are the only ones. */
  | 'no_other_endpoint'
  /** More in flight than may be, and no room in the queue. */
  | 'overloaded'
  /** It waited as long as it may. */
  | 'queue_timeout'
  /** Sheddable, while every endpoint is busy; or a more important request took its place in the queue. */
  | 'shed'
  /** Of a retry: too many requests were tried again lately. */
  | 'retry_budget';

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

/** No attempt yet: it stands in the queue, and hears exactly once, unless it leaves. */
export interface Waiting {
  readonly kind: 'waiting';
  /** Names it in `leave`. */
  readonly ticket: number;
}

/** Told what came of waiting. */
export type Settled = (result: Assignment | Refusal) => void;

/** What an engine says about the work an answer took, in tokens. */
export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Undefined when the engine does not say. */
  readonly cachedTokens: number | undefined;
}

/**
 * What an endpoint's error says of itself.
 *
 * `overloaded`: its queue is full, the engine never saw the request. `draining`: it shuts down and takes nothing new. `engine_dead`: its engine
 * process is gone. `first_event`: another server error as the first event of a 200. `other`: anything else, a client's mistake included.
 */
export type RejectedBecause = 'overloaded' | 'draining' | 'engine_dead' | 'first_event' | 'other';

/** Whether anything can be expected of an attempt that is silent: nothing listens there any more, or it does not react while others do. */
export type Standing = 'up' | 'stuck' | 'gone';

/** How an attempt ended. What each means for the estimate and for health is the dispatcher's business. */
export type Outcome =
  /** The whole answer came, with its terminal event or its full length. */
  | { readonly kind: 'complete'; readonly usage: Usage | undefined; readonly responseId: string | undefined }
  /** The endpoint answered with an error before any part of an answer: it computed nothing. */
  | { readonly kind: 'rejected'; readonly status: number; readonly because: RejectedBecause }
  /** The engine gave up before its first token: a 200 with finish_reason `abort` and no content. */
  | { readonly kind: 'aborted' }
  /** Given up by the router: the endpoint is gone or stuck, and the attempt was silent. */
  | { readonly kind: 'lost' }
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
  /** Nothing waits here: what would is refused. */
  assign(ask: Ask): Assignment | Refusal;
  /** What has to wait is told later, exactly once. */
  assign(ask: Ask, settled: Settled): Assignment | Refusal | Waiting;
  /** The client left the queue: it is never sent, and `settled` is not called. */
  leave(ticket: number): void;
  /** The engine began to answer: its prefill is done. `responseId` when the answer has one that later requests can name; `isWhole`: `finish` follows at once. */
  firstToken(attempt: number, responseId?: string, isWhole?: boolean): void;
  finish(attempt: number, outcome: Outcome): void;
  /** Asked a few times a second for each attempt under way. `heard`: bytes came since it was asked last. */
  standing(attempt: number, heard: boolean): Standing;
  /** What `assign` would decide now, without deciding it: nothing is counted, recorded or taken from the random numbers. */
  explain(ask: Ask & { readonly facts: GenerationFacts }): Explanation;
}
