// models.ts: which places may serve the model that a request names.

import type { Chain } from '../core/chain.ts';
import type { Refusal, RefusalReason } from '../core/dispatcher.ts';
import type { Endpoint } from '../pool/endpoint.ts';
import type { ModelRoute, Target } from './settings.ts';

/** A model that is served, under its bounded name. */
export interface Resolved {
  readonly kind: 'resolved';
  readonly route: ModelRoute;
}

/** Finds the route of the model that a client asked for; empty asks for the only one. */
export function resolveModel(asked: string, configured: ReadonlyMap<string, ModelRoute>, endpoints: readonly Endpoint[]): Resolved | Refusal {
  const name = asked === '' ? onlyModel(configured, endpoints) : asked;
  if (name === undefined) return refusal(400, 'model_required', 'Several models are served here, or none is known yet: name one in `model`.', 'model');
  const route = configured.size > 0 ? configured.get(name) : reportedRoute(name, endpoints);
  if (route !== undefined) return { kind: 'resolved', route };
  if (configured.size === 0 && endpoints.some((endpoint) => endpoint.models === undefined && !endpoint.draining)) {
    return refusal(503, 'model_not_ready', 'No endpoint that has reported so far serves this model, but some have not reported yet.', 'model', 1);
  }
  return refusal(404, 'model_unknown', `The model \`${shown(name)}\` does not exist here.`, 'model');
}

export function refusal(status: Refusal['status'], reason: RefusalReason, message: string, param?: string, retryAfterS?: number): Refusal {
  return { kind: 'refused', status, reason, message, param, retryAfterS };
}

/** The names under which models are served, adapters included. */
export function servedNames(configured: ReadonlyMap<string, ModelRoute>, endpoints: readonly Endpoint[]): string[] {
  if (configured.size > 0) return [...configured.keys()];
  return [...new Set(endpoints.flatMap((endpoint) => endpoint.models ?? []).map((model) => model.id))].toSorted();
}

/**
 * Chooses the target by weighted rendezvous hash, so that a conversation stays where it began and a change of weights moves as few as
 * it can. The key is the chain up to the end of the first user message.
 */
export function chooseTarget(targets: readonly Target[], chain: Chain, openingBlocks: number): Target | undefined {
  if (targets.length === 1) return targets[0];
  const last = Math.min(openingBlocks, chain.length) - 1;
  const low = last < 0 ? 0 : (chain.hashes[2 * last] ?? 0);
  let best: Target | undefined;
  let bestScore = -Infinity;
  targets.forEach((target, position) => {
    if (target.weight === 0) return;
    const score = -target.weight / Math.log(unit(low, position));
    if (score <= bestScore) return;
    best = target;
    bestScore = score;
  });
  return best;
}

const NAME_SHOWN_MAX = 128;

function shown(name: string): string {
  return name.length > NAME_SHOWN_MAX ? `${name.slice(0, NAME_SHOWN_MAX)}…` : name;
}

function onlyModel(configured: ReadonlyMap<string, ModelRoute>, endpoints: readonly Endpoint[]): string | undefined {
  if (configured.size > 0) return configured.size === 1 ? configured.keys().next().value : undefined;
  const bases = new Set(endpoints.flatMap((endpoint) => endpoint.models ?? []).filter((model) => model.parent === undefined).map((model) => model.id));
  return bases.size === 1 ? bases.values().next().value : undefined;
}

function reportedRoute(name: string, endpoints: readonly Endpoint[]): ModelRoute | undefined {
  if (!endpoints.some((endpoint) => endpoint.serves(name))) return undefined;
  return { name, criticality: 'standard', targets: [{ pool: undefined, model: name, weight: 1 }] };
}

/** A number in (0, 1) from a hash and a position. */
function unit(hash: number, position: number): number {
  let mixed = Math.imul(hash ^ Math.imul(position + 1, 0x9e3779b1), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae35);
  return (((mixed ^ (mixed >>> 16)) >>> 0) + 0.5) / 4_294_967_296;
}
