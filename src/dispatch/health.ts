// health.ts: what the end of an attempt says about its endpoint.

import type { Outcome } from '../core/dispatcher.ts';
import type { Failure } from '../pool/endpoint.ts';
import type { AttemptState } from './attempts.ts';

/** A client that left is nobody's failure, and a request that its endpoint refused for the client's mistake is none either. */
export function tellHealth({ endpoint, sentMs }: AttemptState, outcome: Outcome, nowMs: number): void {
  if (outcome.kind === 'complete') endpoint.noteAnswered(sentMs, nowMs);
  // Of one that is gone everything is known already; one that is stuck may have probes that succeed.
  else if (outcome.kind === 'lost' && endpoint.standing() === 'stuck') endpoint.noteFailed('silent', sentMs, nowMs);
  else if (outcome.kind === 'unreachable' && outcome.refused) endpoint.noteUnreachable();
  else {
    const failure = failureOf(outcome);
    if (failure !== undefined) endpoint.noteFailed(failure, sentMs, nowMs);
  }
}

function failureOf(outcome: Outcome): Failure | undefined {
  switch (outcome.kind) {
    case 'rejected':
      if (outcome.because === 'overloaded' || outcome.because === 'draining' || outcome.because === 'engine_dead') return outcome.because;
      if (outcome.status === 429) return 'overloaded';
      return outcome.status >= 500 ? 'error' : undefined;
    // An engine gives up what it has not begun when it is told to stop, at once and for everybody.
    case 'aborted':
      return 'draining';
    case 'reset':
      return outcome.stale ? undefined : 'error';
    case 'unreachable':
    case 'truncated':
    case 'failed':
      return 'error';
    case 'timeout':
      return outcome.limit === 'total_ms' ? undefined : 'silent';
    case 'lost':
    case 'complete':
    case 'client_gone':
      return undefined;
  }
}
