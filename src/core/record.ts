// record.ts: all that is remembered of one request once it is over. Metrics, log line and page read the same record.

import type { PolicyName } from './policy-name.ts';
import type { Surface } from './request.ts';

export type RequestOutcome = 'complete' | 'error' | 'truncated' | 'client_gone' | 'shed';

/** One request from its first byte to its one outcome. Holds no prompt, no key and no text of an answer. */
export interface RequestRecord {
  readonly id: string;
  /** 32 hexadecimal digits, as in `traceparent`; empty when the request could not be read. */
  readonly traceId: string;
  readonly listener: string;
  readonly surface: Surface | 'by-load' | 'stored-response';
  /** The configured name of who sent it; empty where no keys are configured. */
  readonly client: string;
  /** The configured or served name; empty when the request never got that far. */
  model: string;
  policy: PolicyName | '';
  /** Of the last attempt; empty when none was made. */
  pool: string;
  endpoint: string;
  attempts: number;
  matchRatio: number;
  promptTokens: number;
  predictedCachedTokens: number;
  /** Time that the decision itself took, of the last attempt. */
  choiceDurationMs: number;
  /** What the engine said; undefined when it did not. */
  reportedPromptTokens: number | undefined;
  reportedCachedTokens: number | undefined;
  completionTokens: number | undefined;
  /** From the whole request being here to the first token being on its way to the client; undefined when none came. */
  timeToFirstTokenMs: number | undefined;
  durationMs: number;
  /** As the client saw it; 499 when it left before any. */
  status: number;
  outcome: RequestOutcome;
  /** What went wrong: one plain sentence, or the code of a refusal by the router itself. Empty when nothing did. */
  reason: string;
}

/**
 * Why an attempt was repeated: what became of its connection, what the endpoint's error said (see RejectedBecause), or the limit that passed
 * before its first event.
 */
export type RetryReason = 'unreachable' | 'reset' | 'stale' | 'lost' | 'aborted' | 'overloaded' | 'draining' | 'engine_dead' | 'first_event' | 'first_byte';

/** What the relaying side tells whoever counts and logs. */
export interface RequestObserver {
  /** An endpoint was chosen for an attempt. */
  chosen(record: RequestRecord): void;
  /** Another attempt follows; the record names the endpoint of the one before. */
  retried(record: RequestRecord, reason: RetryReason): void;
  ended(record: RequestRecord): void;
}
