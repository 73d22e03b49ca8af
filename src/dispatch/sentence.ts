// sentence.ts: why this endpoint, in one plain sentence. Made when someone reads.

import type { Considered } from '../core/choice.ts';
import type { PolicyName } from '../core/policy-name.ts';
import { prefixCost } from '../balance/policy.ts';

export interface Grounds {
  readonly policy: PolicyName;
  readonly matchRatioMin: number;
  readonly promptTokens: number;
  readonly chosen: Considered;
  /** Who would have got it otherwise. */
  readonly next: Considered | undefined;
  readonly considered: readonly Considered[];
}

export function sentence(grounds: Grounds): string {
  const { policy, matchRatioMin, chosen, next, considered } = grounds;
  if (considered.some(({ because }) => because === 'elsewhere')) return `${chosen.endpoint} has the answer that the request continues.`;
  const available = considered.filter((each) => each.available).length;
  if (available === 1 && considered.some(({ because }) => because === 'tried')) return `${chosen.endpoint} is the only endpoint left that was not tried; it holds ${share(chosen, grounds)}.`;
  if (available === 1) return `${chosen.endpoint} is the only endpoint available; it holds ${share(chosen, grounds)}.`;
  if (policy === 'random') return `${chosen.endpoint} was drawn at random from ${available} available endpoints.`;
  if (policy === 'round-robin' || next === undefined) return `It was the turn of ${chosen.endpoint}.`;
  if (policy === 'least-request') return byInFlight(chosen, next);
  if (policy === 'prefix-cost') return byCost(grounds, next);
  const minimum = matchRatioMin.toFixed(2);
  if (chosen.matchRatio > matchRatioMin) return `${chosen.endpoint} holds ${chosen.matchRatio.toFixed(2)} of the prompt, more than ${minimum}, and no endpoint holds more.`;
  return `No endpoint holds more than ${minimum} of the prompt. ${byInFlight(chosen, next)}`;
}

function byInFlight(chosen: Considered, next: Considered): string {
  if (chosen.inFlight === next.inFlight) return `${chosen.endpoint} and ${next.endpoint} have equally few requests in flight (${count(chosen.inFlight)}); chance decided.`;
  return `${chosen.endpoint} has the fewest requests in flight: ${count(chosen.inFlight)}, ${next.endpoint} has ${count(next.inFlight)}.`;
}

function byCost(grounds: Grounds, next: Considered): string {
  const { chosen, considered } = grounds;
  const warmest = considered.reduce((best, each) => (each.available && each.matchedTokens > best.matchedTokens ? each : best), chosen);
  if (Math.round(warmest.matchedTokens) > Math.round(chosen.matchedTokens)) {
    const waiting = warmest.overfullTokens > chosen.overfullTokens ? 'waiting for room there' : 'waiting there';
    const deterrent = workOn(warmest, warmest) > workOn(chosen, chosen) ? waiting : 'what it would evict there';
    return `${warmest.endpoint} holds ${share(warmest, grounds)}, but ${deterrent} costs more than computing ${lacking(chosen, grounds)} tokens on ${chosen.endpoint}.`;
  }
  if (Math.round(chosen.matchedTokens) > Math.round(next.matchedTokens)) {
    const holds = `${chosen.endpoint} holds ${share(chosen, grounds)}`;
    if (isBusier(chosen, next)) return `${holds}; waiting there costs less than computing ${lacking(next, grounds)} tokens on ${next.endpoint}.`;
    return `${holds} and is no busier than ${next.endpoint}, which would compute ${lacking(next, grounds)} tokens.`;
  }
  const alike = `${chosen.endpoint} and ${next.endpoint} hold ${Math.round(chosen.matchedTokens) === 0 ? 'nothing of the prompt' : `as much, ${share(chosen, grounds)}`}`;
  if (chosen.cost === next.cost && chosen.inFlight === next.inFlight) return `${alike}, and are equally busy; chance decided.`;
  return isBusier(next, chosen) ? `${alike}; waiting costs less on ${chosen.endpoint}.` : `${alike}; inserting costs the others on ${chosen.endpoint} less.`;
}

/** Whether the same work would cost more there, by what waits, what room there is and who shares the engine alone. */
function isBusier(a: Considered, b: Considered): boolean {
  return workOn(a, b) > workOn(b, b);
}

/** The cost there of what `asked` would have to compute, without what is evicted for it. */
function workOn({ queuedTokens, overfullTokens, inFlight }: Considered, { uncachedTokens }: Considered): number {
  return prefixCost({ queuedTokens, uncachedTokens, insertedTokens: 0, pressure: 0, overfullTokens, inFlight });
}

function share({ matchedTokens }: Considered, { promptTokens }: Grounds): string {
  return `${thousands(matchedTokens)} of ${thousands(promptTokens)} tokens`;
}

function lacking({ matchedTokens }: Considered, { promptTokens }: Grounds): string {
  return thousands(Math.max(0, Math.round(promptTokens) - Math.round(matchedTokens)));
}

function thousands(tokens: number): string {
  return Math.round(tokens).toLocaleString('en-US');
}

/** During slow start a request counts more than once. */
function count(inFlight: number): string {
  return String(Math.round(inFlight * 10) / 10);
}
