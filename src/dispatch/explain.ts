// explain.ts: what a look that was not acted upon says, as data for people.

import type { Explanation } from '../core/choice.ts';
import { chainBytes } from '../core/chain.ts';
import type { Ask, Refusal } from '../core/dispatcher.ts';
import type { GenerationFacts } from '../core/request.ts';
import { unavailableBecause } from '../pool/availability.ts';
import { ChoiceRing, unavailable } from './choice-ring.ts';
import type { Busy, Placed, Placement } from './placement.ts';

type Asked = Ask & { readonly facts: GenerationFacts };

/** The same numbers and the same sentence as are kept of a choice. */
export function explainPlaced(ask: Asked, placed: Placed, nowMs: number): Explanation {
  const ring = new ChoiceRing(1, placed.among.length);
  const choice = ring.read(ring.note(ask, placed, nowMs))!;
  const { listener, policy, model, promptTokens, blocks, endpoint, runnerUp, matchedTokens, matchRatio, predictedCachedTokens, sentence, considered } = choice;
  const promptBytes = chainBytes(ask.facts.prompts[0]);
  return { decision: 'chosen', listener, policy, model, promptBytes, promptTokens, blocks, endpoint, runnerUp, matchedTokens, matchRatio, predictedCachedTokens, sentence, considered };
}

/** Nobody takes it now: why each one does not. */
export function explainUnplaced(ask: Asked, found: Busy | Refusal, placement: Placement, nowMs: number): Explanation {
  const { facts, listener, excluded } = ask;
  const [longest] = facts.prompts;
  const aim = placement.aim(facts);
  const among = aim.kind === 'aim' ? placement.endpointsOf(aim.target) : [];
  const model = aim.kind === 'aim' ? aim.target.model : facts.model;
  // Endpoints that could take it, were it let in.
  const otherwise = (id: string): string => (excluded.includes(id) ? 'tried' : found.kind !== 'busy' ? 'gives way' : placement.isTenantBound(ask) ? 'tenant' : 'router full');
  return {
    decision: found.kind === 'busy' ? 'waits' : 'refused',
    listener,
    policy: placement.policyOf(listener),
    model: facts.model === '' ? model : facts.model,
    promptBytes: chainBytes(longest),
    promptTokens: 0,
    blocks: longest.length,
    endpoint: undefined,
    runnerUp: undefined,
    matchedTokens: 0,
    matchRatio: 0,
    predictedCachedTokens: 0,
    sentence: found.kind === 'busy' ? 'As many requests are in flight as may be: it waits for a slot, and is refused with 503 where there is no room to wait.' : found.message,
    considered: among.map((endpoint) => {
      const { id } = endpoint.address;
      return unavailable(id, unavailableBecause(endpoint, model, nowMs) ?? otherwise(id));
    }),
  };
}
