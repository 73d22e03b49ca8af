// choice.ts: why a request went where it did, as data for people: what is kept of each choice, and what a dry run says.

import type { Outcome } from './dispatcher.ts';
import type { PolicyName } from './policy-name.ts';

/** One endpoint as it was seen at a choice. The numbers of one that was not available are 0, its cost is undefined. */
export interface Considered {
  readonly endpoint: string;
  readonly available: boolean;
  /**
   * Why it was not: what its state says, `tried` by this request before, or `elsewhere`: another one has the answer that the request continues. Of a request that is
   * not let in, `router full`, or `gives way` to more important ones. Empty when it was.
   */
  readonly because: string;
  /** Estimated tokens of the prompt that it held. */
  readonly matchedTokens: number;
  /** Share of the prompt's bytes (0..1), counting only blocks of prompts that were sent. */
  readonly matchRatio: number;
  /** Tokens that it lacked, blocks that many conversations share discounted. */
  readonly uncachedTokens: number;
  /** Tokens that it would have inserted, the mean answer included. */
  readonly insertedTokens: number;
  /** Prompt tokens of others whose first token had not come. */
  readonly queuedTokens: number;
  /** What inserting costs the others there, 0..1. */
  readonly pressure: number;
  /** By how much requests in flight, this one and another like it would exceed its cache. */
  readonly overfullTokens: number;
  readonly inFlight: number;
  /** Of `prefix-cost`, in tokens × requests, whatever the policy was. */
  readonly cost: number | undefined;
}

/** What was known of the request. */
export interface ChoiceFacts {
  readonly listener: string;
  readonly policy: PolicyName;
  readonly model: string;
  readonly promptTokens: number;
  readonly blocks: number;
}

/** What is kept of a choice. */
export interface Choice extends ChoiceFacts {
  /** Counts from 1 and is never used again. */
  readonly seq: number;
  /** By the dispatcher's clock. */
  readonly atMs: number;
  readonly request: string;
  readonly traceId: string;
  readonly endpoint: string;
  readonly matchedTokens: number;
  readonly matchRatio: number;
  readonly predictedCachedTokens: number;
  /** Who would have got it without the chosen one; undefined where there was no other, or chance alone decides. */
  readonly runnerUp: string | undefined;
  /** One plain sentence: why this one. */
  readonly sentence: string;
  /** In the order of the pool; of several hundred endpoints the first ones, the chosen one among them. */
  readonly considered: readonly Considered[];
  /** How many endpoints there were, when these are not all. */
  readonly endpoints: number;
  readonly outcome: 'running' | Outcome['kind'];
  /** From the choice on. Undefined while it is not there. */
  readonly ttftMs: number | undefined;
  readonly durationMs: number | undefined;
  readonly reportedCachedTokens: number | undefined;
}

/** The last choices, to be read by people. */
export interface Choices {
  /** Of the last choice; 0 before the first. */
  readonly latest: number;
  /** Undefined when it was never made or is forgotten. */
  read(seq: number): Choice | undefined;
  /** Whether it is over, or forgotten; cheaper than reading it. */
  isOver(seq: number): boolean;
}

/** What would happen to a request now. */
export interface Explanation extends Omit<ChoiceFacts, 'policy'> {
  /** Undefined when there is no model, so no policy was asked. */
  readonly policy: PolicyName | undefined;
  readonly decision: 'chosen' | 'waits' | 'refused';
  /** Bytes of the canonical prompt's roles and contents; of the longest when there are several. */
  readonly promptBytes: number;
  /** Of the following, undefined and 0 where nothing was chosen. */
  readonly endpoint: string | undefined;
  readonly runnerUp: string | undefined;
  readonly matchedTokens: number;
  readonly matchRatio: number;
  readonly predictedCachedTokens: number;
  readonly sentence: string;
  readonly considered: readonly Considered[];
}
