// placement.ts: who takes a request now: model, target, available endpoints, choice. Looks and changes nothing.

import type { Clock } from '../core/clock.ts';
import type { Ask, Refusal } from '../core/dispatcher.ts';
import { ANYBODY } from '../core/identity.ts';
import type { PolicyName } from '../core/policy-name.ts';
import type { Random } from '../core/random.ts';
import type { GenerationFacts } from '../core/request.ts';
import { createPolicy, type Draw, type Policy } from '../balance/policy.ts';
import { availableOf, unavailableBecause } from '../pool/availability.ts';
import type { Endpoint } from '../pool/endpoint.ts';
import type { Pools } from '../pool/pools.ts';
import { type ModelKey, modelKey } from '../prefix/model-key.ts';
import type { SizedPrompt, View } from './ask-view.ts';
import { matchEndpoints, predictCachedTokens, promptTokensOf, sizePrompt, viewEndpoints } from './ask-view.ts';
import type { Estimate } from './estimate.ts';
import type { Estimates } from './estimates.ts';
import type { LearnedModel } from './learned-model.ts';
import { chooseTarget, refusal, resolveModel } from './models.ts';
import type { DispatchSettings, ListenerRule, ModelRoute, Target } from './settings.ts';
import { shedsLoad } from './shedding.ts';
import type { StoredResponses } from './stored-responses.ts';
import { endpointsOfTenant } from './tenant-share.ts';

export interface DispatchDeps {
  readonly pools: Pools;
  readonly estimates: Estimates;
  readonly clock: Clock;
  readonly random: Random;
}

/** An endpoint for a request with a prompt, and what it was chosen by. */
export interface Placed {
  readonly kind: 'placed';
  readonly endpoint: Endpoint;
  readonly route: ModelRoute;
  /** Undefined when the bytes go as they came. */
  readonly upstreamModel: string | undefined;
  readonly rule: ListenerRule;
  readonly key: ModelKey;
  readonly learned: LearnedModel;
  readonly prompts: readonly [SizedPrompt, ...SizedPrompt[]];
  /** The endpoints of the target, whoever is available. */
  readonly among: readonly Endpoint[];
  readonly target: Target;
  /** Ejections by errors were ignored. */
  readonly panics: boolean;
  /** Only the tenant's own endpoints could take it. */
  readonly isTenantBound: boolean;
  readonly matchRatioMin: number;
  /** Of those who could take it, in the order of `among`. */
  readonly views: readonly View[];
  /** Of the chosen one. */
  readonly view: View;
  readonly promptTokens: number;
  readonly uncachedTokens: number;
  readonly predictedCachedTokens: number;
}

/** Where a request with a prompt may go. */
interface Aim {
  readonly kind: 'aim';
  readonly route: ModelRoute;
  readonly target: Target;
}

/** An endpoint for a request that is forwarded unread. */
export interface PlacedByLoad {
  readonly kind: 'placed-by-load';
  readonly endpoint: Endpoint;
}

/** Those who could take it are full. */
export interface Busy {
  readonly kind: 'busy';
  /** Who is full: whoever asks for the same waits for the same. Undefined: nobody else waits for just these. */
  readonly place: string | undefined;
  readonly criticality: ModelRoute['criticality'];
}

const RETRY_AFTER_S = 1;
const BY_LOAD = 'by-load';

export class Placement {
  readonly #deps: DispatchDeps;
  readonly #responses: StoredResponses;
  readonly #models: ReadonlyMap<string, ModelRoute>;
  readonly #listeners: ReadonlyMap<string, { readonly rule: ListenerRule; readonly choose: Policy }>;
  readonly #leastRequest: Policy;
  readonly #matchRatioMin: number;
  readonly #tenantEndpointsRatio: number;

  constructor(deps: DispatchDeps, responses: StoredResponses, settings: DispatchSettings) {
    this.#deps = deps;
    this.#responses = responses;
    this.#models = new Map(settings.models.map((model) => [model.name, model]));
    this.#matchRatioMin = settings.prefix.matchRatioMin;
    this.#tenantEndpointsRatio = settings.prefix.tenantEndpointsRatio;
    const options = { matchRatioMin: this.#matchRatioMin };
    this.#listeners = new Map(settings.listeners.map((rule) => [rule.name, { rule, choose: createPolicy(rule.policy, options) }]));
    this.#leastRequest = createPolicy('least-request', options);
  }

  find(ask: Ask, draw: Draw): Placed | PlacedByLoad | Busy | Refusal {
    return ask.facts.kind === 'generation' ? this.#byPolicy(ask, ask.facts, draw) : this.#byLoad(ask, draw);
  }

  /** Which target of its model a request is for. */
  aim(facts: GenerationFacts): Aim | Refusal {
    const resolved = resolveModel(facts.model, this.#models, this.#deps.pools.all());
    if (resolved.kind === 'refused') return resolved;
    const target = chooseTarget(resolved.route.targets, facts.prompts[0], facts.openingBlocks);
    return target === undefined ? unavailable() : { kind: 'aim', route: resolved.route, target };
  }

  endpointsOf(target: Target): readonly Endpoint[] {
    const { pools } = this.#deps;
    return target.pool === undefined ? pools.all() : pools.endpoints(target.pool);
  }

  policyOf(listener: string): PolicyName {
    return this.#listener(listener).rule.policy;
  }

  /** Who may serve the request's model; undefined for what has no prompt. */
  routeOf({ facts }: Ask): (ModelRoute & { readonly kind: 'route' }) | Refusal | undefined {
    if (facts.kind !== 'generation') return undefined;
    const resolved = resolveModel(facts.model, this.#models, this.#deps.pools.all());
    return resolved.kind === 'refused' ? resolved : { kind: 'route', ...resolved.route };
  }

  /** Whether it may go to its tenant's own endpoints alone. */
  isTenantBound({ tenant }: Ask): boolean {
    return this.#tenantEndpointsRatio < 1 && tenant !== undefined && tenant !== ANYBODY.tenant;
  }

  /** Those that are full count as the tenant's too: else it would get others by filling its own. */
  #tenantsOwn({ tenant = '', excluded }: Ask, among: readonly Endpoint[], available: readonly Endpoint[], model: string, nowMs: number): readonly Endpoint[] {
    const open = new Set(available);
    const up = among.filter((endpoint) => !excluded.includes(endpoint.address.id) && (open.has(endpoint) || unavailableBecause(endpoint, model, nowMs) === 'full'));
    return endpointsOfTenant(tenant, up, this.#tenantEndpointsRatio).filter((endpoint) => open.has(endpoint));
  }

  #byPolicy(ask: Ask, facts: GenerationFacts, draw: Draw): Placed | Busy | Refusal {
    const { estimates, clock } = this.#deps;
    const aimed = this.aim(facts);
    if (aimed.kind === 'refused') return aimed;
    const { route, target } = aimed;
    const nowMs = clock();
    const among = this.endpointsOf(target);
    const { endpoints, panics } = availableOf(among, target.model, nowMs);
    const stored = this.#responses.endpointOf(facts.previousResponseId);
    const isTenantBound = stored === undefined && this.isTenantBound(ask);
    const candidates = narrow(isTenantBound ? this.#tenantsOwn(ask, among, endpoints, target.model, nowMs) : endpoints, ask.excluded, stored);
    if (candidates.length === 0) {
      const place = `${target.pool ?? ''} ${target.model} ${isTenantBound ? ask.tenant : ''}`;
      return waitsFor(ask, among, target.model, nowMs) ? { kind: 'busy', place: sharedPlace(ask, place), criticality: route.criticality } : nobody(endpoints);
    }
    if (route.criticality === 'sheddable' && shedsLoad(candidates)) return shed();

    const { rule, choose } = this.#listener(ask.listener);
    const key = modelKey(target.model);
    const learned = estimates.model(target.model);
    const shared = estimates.sharedAt(nowMs);
    const longest = facts.prompts[0];
    const believed: Estimate[] = [];
    for (const endpoint of candidates) believed.push(estimates.of(endpoint));
    const trail = shared.follow(longest, key);
    const matched = matchEndpoints(believed, longest, key, trail);
    const prompt = sizePrompt(longest, matched, shared, trail, learned);
    const prompts: [SizedPrompt, ...SizedPrompt[]] = [prompt];
    for (let i = 1; i < facts.prompts.length; i++) prompts.push(sizePrompt(facts.prompts[i]!, [], shared, trail, learned));
    const views = viewEndpoints(believed, matched, prompt, { key, learned, nowMs, endpoints: endpoints.length });
    const view = views[choose(views, draw)]!;
    let promptTokens = 0;
    for (const each of prompts) promptTokens += promptTokensOf(each);
    return {
      kind: 'placed',
      endpoint: view.estimate.endpoint,
      route,
      upstreamModel: this.#models.size > 0 && target.model !== facts.model ? target.model : undefined,
      rule,
      key,
      learned,
      prompts,
      among,
      target,
      panics,
      isTenantBound,
      matchRatioMin: this.#matchRatioMin,
      views,
      view,
      promptTokens,
      // Whole numbers come back to exactly zero, and idle endpoints stay exactly equal.
      uncachedTokens: Math.round(Math.max(0, promptTokens - view.heldTokens)),
      predictedCachedTokens: predictCachedTokens(Math.min(view.heldTokens, view.estimate.credibleTokens(longest, key, prompt.tokenEnds)), promptTokens, view.estimate.blockSize),
    };
  }

  #byLoad(ask: Ask, draw: Draw): PlacedByLoad | Busy | Refusal {
    const { pools, estimates, clock } = this.#deps;
    const nowMs = clock();
    const stored = ask.facts.kind === 'stored-response' ? this.#responses.endpointOf(ask.facts.responseId) : undefined;
    const taking = pools.all().filter((endpoint) => endpoint.settings.byLoad || endpoint.address.id === stored);
    const { endpoints } = availableOf(taking, undefined, nowMs);
    const candidates = narrow(endpoints, ask.excluded, stored);
    if (candidates.length === 0) {
      return waitsFor(ask, taking, undefined, nowMs) ? { kind: 'busy', place: stored === undefined ? sharedPlace(ask, BY_LOAD) : undefined, criticality: 'standard' } : nobody(endpoints);
    }
    const views = candidates.map((endpoint) => ({ inFlight: estimates.of(endpoint).inFlight(nowMs), matchRatio: 0, queuedTokens: 0, uncachedTokens: 0, insertedTokens: 0, pressure: 0, overfullTokens: 0, cost: 0 }));
    return { kind: 'placed-by-load', endpoint: candidates[this.#leastRequest(views, draw)]! };
  }

  #listener(name: string): { readonly rule: ListenerRule; readonly choose: Policy } {
    const listener = this.#listeners.get(name);
    if (listener === undefined) throw new Error(`No listener is named '${name}'`);
    return listener;
  }
}

/** Endpoints not tried yet; of these the preferred one alone, when it is there. */
function narrow(available: readonly Endpoint[], excluded: readonly string[], preferred: string | undefined): readonly Endpoint[] {
  const untried = excluded.length === 0 ? available : available.filter((endpoint) => !excluded.includes(endpoint.address.id));
  if (preferred === undefined) return untried;
  const holder = untried.filter((endpoint) => endpoint.address.id === preferred);
  return holder.length > 0 ? holder : untried;
}

/** Whether one that it may go to is left out for nothing but being full. */
function waitsFor({ excluded }: Ask, endpoints: readonly Endpoint[], model: string | undefined, nowMs: number): boolean {
  return endpoints.some((endpoint) => !excluded.includes(endpoint.address.id) && unavailableBecause(endpoint, model, nowMs) === 'full');
}

/** A retry may not go where others may: that all of its endpoints are full says nothing about theirs. */
function sharedPlace({ excluded }: Ask, place: string): string | undefined {
  return excluded.length === 0 ? place : undefined;
}

/** `available`: those who could take it, had it not tried them already. */
function nobody(available: readonly Endpoint[]): Refusal {
  if (available.length === 0) return unavailable();
  return refusal(503, 'no_other_endpoint', 'No endpoint is available for this model but those that were tried. Try again later.', undefined, RETRY_AFTER_S);
}

function unavailable(): Refusal {
  return refusal(503, 'no_endpoint_available', 'No endpoint is available for this model now. Try again later.', undefined, RETRY_AFTER_S);
}

function shed(): Refusal {
  return refusal(503, 'shed', 'Every endpoint is busy, and requests for this model give way to others. Try again later.', undefined, RETRY_AFTER_S);
}
