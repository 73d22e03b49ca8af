// retry.ts: what follows from an attempt that failed. Pure.

import type { Outcome } from '../core/dispatcher.ts';
import type { RequestOutcome, RetryReason } from '../core/record.ts';
import type { ErrorAnswer } from './error-answer.ts';

/** Another try, on another endpoint unless this one only closed an idle connection. */
export interface Again {
  readonly reason: RetryReason;
  readonly elsewhere: boolean;
}

/** What was tried for a request so far, this attempt included. */
export interface Tried {
  attempts: number;
  /** Of these, those that only found a connection closed: they reached nobody, and count once. */
  stale: number;
}

/**
 * Whether a failed attempt may be repeated: only what never reached an engine, or died before its first event, and only before the
 * commit. Undefined means that the client gets this outcome.
 *
 * A closed idle connection says nothing about its endpoint, so that is tried again there, once, as if nothing had been tried.
 */
export function again(outcome: Outcome, committed: boolean, tried: Tried, attemptsMax: number): Again | undefined {
  if (committed || attemptsMax === 1) return undefined;
  if (outcome.kind === 'reset' && outcome.stale && tried.stale === 0) return { reason: 'stale', elsewhere: false };
  if (tried.attempts - tried.stale >= attemptsMax) return undefined;
  if (outcome.kind === 'unreachable') return { reason: 'unreachable', elsewhere: true };
  return outcome.kind === 'reset' ? { reason: 'reset', elsewhere: true } : undefined;
}

/** What an outcome is called in metrics and logs. */
export function recordedOutcome(outcome: Outcome): RequestOutcome {
  if (outcome.kind === 'complete' || outcome.kind === 'client_gone' || outcome.kind === 'truncated') return outcome.kind;
  return 'error';
}

/** What went wrong, in a sentence for clients and logs; it names no endpoint. */
export function sentence(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'complete':
      return '';
    case 'client_gone':
      return 'The client left, or did not read.';
    case 'unreachable':
      return 'No connection to the model server came about.';
    case 'reset':
      return 'The model server broke the connection.';
    case 'truncated':
      return 'The model server ended its answer before it was whole.';
    case 'failed':
      return 'The model server reported an error in its answer.';
    case 'rejected':
      return `The model server answered ${outcome.status}.`;
    case 'aborted':
      return 'The model server gave the request up.';
    case 'lost':
      return 'The model server fell silent.';
    case 'timeout':
      return `The model server did not answer within ${outcome.limit}.`;
  }
}

/** The answer to a client that has not been told anything yet. */
export function answerTo(outcome: Outcome): ErrorAnswer {
  const status = outcome.kind === 'timeout' ? 504 : 502;
  return { status, message: sentence(outcome), code: outcome.kind === 'timeout' ? 'upstream_timeout' : 'upstream_error' };
}
