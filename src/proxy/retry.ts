// retry.ts: what follows from an attempt that failed. Pure.

import type { Ask, Outcome, Standing } from '../core/dispatcher.ts';
import type { RequestOutcome, RetryReason } from '../core/record.ts';
import type { ErrorAnswer } from './error-answer.ts';

/** Another try, on another endpoint unless this one only closed an idle connection. */
export interface Again {
  readonly reason: RetryReason;
  readonly elsewhere: boolean;
  /** What the dispatcher is asked for: whether the try counts against the retry budget. */
  readonly budget: NonNullable<Ask['retry']>;
}

/** What was tried for a request so far. */
export interface Tried {
  /** This attempt included. */
  attempts: number;
  /** Why it was tried again before. Those that only found a connection closed reached nobody: no attempts, as far as limits go. */
  readonly reasons: RetryReason[];
}

/**
 * Whether a failed attempt may be repeated: only before the commit, and only what another endpoint may do better. Undefined means that
 * the client gets this outcome.
 *
 * What never reached an engine, or died with it, is free once each; the rest takes from the retry budget, so that a fleet in trouble is
 * not asked twice for everything. A closed idle connection says nothing about its endpoint, so that is tried again there, once, as if
 * nothing had been tried.
 */
export function again(outcome: Outcome, committed: boolean, tried: Tried, attemptsMax: number): Again | undefined {
  if (committed || attemptsMax === 1) return undefined;
  if (outcome.kind === 'reset' && outcome.stale && !tried.reasons.includes('stale')) return { reason: 'stale', elsewhere: false, budget: 'free' };
  if (attemptsThatCount(tried) >= attemptsMax) return undefined;
  const reason = reasonOf(outcome);
  if (reason === undefined) return undefined;
  const free = diedWithEndpoint(outcome) && !tried.reasons.includes(reason);
  return { reason, elsewhere: true, budget: free ? 'free' : 'budgeted' };
}

function reasonOf(outcome: Outcome): RetryReason | undefined {
  switch (outcome.kind) {
    case 'unreachable':
    case 'reset':
    case 'lost':
    case 'aborted':
      return outcome.kind;
    case 'rejected':
      return outcome.status < 500 || outcome.because === 'other' ? undefined : outcome.because;
    case 'timeout':
      return outcome.limit === 'first_byte_ms' ? 'first_byte' : undefined;
    default:
      return undefined;
  }
}

/** What ended because the endpoint is not there, or no longer: the request may do well with whoever comes next. */
export function diedWithEndpoint({ kind }: Outcome): boolean {
  return kind === 'unreachable' || kind === 'reset' || kind === 'lost';
}

function attemptsThatCount(tried: Tried): number {
  return tried.attempts - (tried.reasons.includes('stale') ? 1 : 0);
}

/**
 * The header `x-should-retry` of an error after an attempt; undefined leaves it out.
 *
 * The SDKs of OpenAI and Anthropic obey it, and without it repeat 408, 409, 429 and 5xx twice. A refusal by the router cost no engine
 * anything, so it says true, and `retry-after` says when. What the router tried twice, or waited a limit long for, would be done six times,
 * so it says false. What one endpoint said once goes as it came.
 */
export function shouldRetry(outcome: Outcome, tried: Tried): boolean | undefined {
  return outcome.kind === 'timeout' || attemptsThatCount(tried) > 1 ? false : undefined;
}

/** Silence after which an endpoint of which nothing can be expected is given up. */
const LOST_AFTER_MS = 2000;

/** Whether a silent attempt is given up. An endpoint that does not react may still go on with an answer that it has begun; one that is gone does not. */
export function isLost(standing: Standing, silentMs: number, committed: boolean): boolean {
  if (standing === 'up' || silentMs < LOST_AFTER_MS) return false;
  return standing === 'gone' || !committed;
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

/** Until endpoints that do not take connections may be there again. */
const RETRY_AFTER_S = 1;

/** The answer to a client that has not been told anything yet. Where no connection came about nothing was begun, as in a refusal by the router. */
export function answerTo(outcome: Outcome, tried: Tried): ErrorAnswer {
  if (outcome.kind === 'unreachable') return { status: 503, message: sentence(outcome), code: 'upstream_unreachable', retryAfterS: RETRY_AFTER_S, shouldRetry: true };
  const timeout = outcome.kind === 'timeout';
  // An error that did not come whole keeps its status.
  const status = outcome.kind === 'rejected' ? outcome.status : timeout ? 504 : 502;
  return { status, message: sentence(outcome), code: timeout ? 'upstream_timeout' : 'upstream_error', shouldRetry: shouldRetry(outcome, tried) };
}
