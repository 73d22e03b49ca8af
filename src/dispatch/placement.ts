// placement.ts: who takes a request now: model, target, available endpoints, choice. Looks and changes nothing.

import type { Clock } from '../core/clock.ts';
import type { Ask, Refusal } from '../core/dispatcher.ts';
import type { Random } from '../core/random.ts';
import type { GenerationFacts } from '../core/request.ts';
import { createPolicy, type Policy } from '../balance/policy.ts';
import { availableOf } from '../pool/availability.ts';
import type { Endpoint } from '../pool/endpoint.ts';
import type { Pools } from '../pool/pools.ts';
import { type ModelKey, modelKey } from '../prefix/model-key.ts';
import type { SizedPrompt, View } from './ask-view.ts';
import { matchEndpoints, predictCachedTokens, promptTokensOf, sizePrompt, viewEndpoints } from './ask-view.ts';
import type { Estimates } from './estimates.ts';
import type { LearnedModel } from './learned-model.ts';
import { chooseTarget, refusal, resolveModel } from './models.ts';
import type { DispatchSettings, ListenerRule, ModelRoute, Target } from './settings.ts';
import { shedsLoad } from './shedding.ts';
import type { StoredResponses } from './stored-responses.ts';

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
  readonly view: View;
  readonly promptTokens: number;
  readonly uncachedTokens: number;
  readonly predictedCachedTokens: number;
}

/** An endpoint for a request that is forwarded unread. */
export interface PlacedByLoad {
  readonly kind: 'placed-by-load';
  readonly endpoint: Endpoint;
}

/** Those who could take it are full. */
export interface Busy {
  readonly kind: 'busy';
  /** Who is full: whoever asks for the same waits for the same. */
  readonly place: string;
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

  constructor(deps: DispatchDeps, responses: StoredResponses, settings: DispatchSettings) {
    this.#deps = deps;
    this.#responses = responses;
    this.#models = new Map(settings.models.map((model) => [model.name, model]));
    const options = { matchRatioMin: settings.prefix.matchRatioMin };
    this.#listeners = new Map(settings.listeners.map((rule) => [rule.name, { rule, choose: createPolicy(rule.policy, options) }]));
    this.#leastRequest = createPolicy('least-request', options);
  }

  /** `turn`: how many choices the listener made before. */
  find(ask: Ask, turn: number): Placed | PlacedByLoad | Busy | Refusal {
    return ask.facts.kind === 'generation' ? this.#byPolicy(ask, ask.facts, turn) : this.#byLoad(ask);
  }

  /** Who may serve the request's model; undefined for what has no prompt. */
  routeOf({ facts }: Ask): (ModelRoute & { readonly kind: 'route' }) | Refusal | undefined {
    if (facts.kind !== 'generation') return undefined;
    const resolved = resolveModel(facts.model, this.#models, this.#deps.pools.all());
    return resolved.kind === 'refused' ? resolved : { kind: 'route', ...resolved.route };
  }

  #byPolicy(ask: Ask, facts: GenerationFacts, turn: number): Placed | Busy | Refusal {
    const { pools, estimates, random, clock } = this.#deps;
    const resolved = resolveModel(facts.model, this.#models, pools.all());
    if (resolved.kind === 'refused') return resolved;
    const { route } = resolved;
    const target = chooseTarget(route.targets, facts.prompts[0], facts.openingBlocks);
    if (target === undefined) return unavailable();
    const nowMs = clock();
    const { endpoints, full } = availableOf(this.#endpointsOf(target), target.model, nowMs);
    const candidates = narrow(endpoints, ask.excluded, this.#responses.endpointOf(facts.previousResponseId));
    if (candidates.length === 0) return full > 0 ? { kind: 'busy', place: `${target.pool ?? ''} ${target.model}`, criticality: route.criticality } : unavailable();
    if (route.criticality === 'sheddable' && shedsLoad(candidates)) return shed();

    const { rule, choose } = this.#listener(ask);
    const key = modelKey(target.model);
    const learned = estimates.model(target.model);
    const shared = estimates.sharedAt(nowMs);
    const [longest, ...shorter] = facts.prompts;
    const believed = candidates.map((endpoint) => estimates.of(endpoint));
    const matched = matchEndpoints(believed, longest, shared, key);
    const prompt = sizePrompt(longest, matched, shared, key, learned);
    const prompts: Placed['prompts'] = [prompt, ...shorter.map((chain) => sizePrompt(chain, [], shared, key, learned))];
    const views = viewEndpoints(believed, matched, prompt, { key, learned, nowMs, endpoints: endpoints.length });
    const view = views[choose(views, { random, turn })]!;
    const promptTokens = prompts.reduce((sum, each) => sum + promptTokensOf(each), 0);
    return {
      kind: 'placed',
      endpoint: view.estimate.endpoint,
      route,
      upstreamModel: this.#models.size > 0 && target.model !== facts.model ? target.model : undefined,
      rule,
      key,
      learned,
      prompts,
      view,
      promptTokens,
      // Whole numbers come back to exactly zero, and idle endpoints stay exactly equal.
      uncachedTokens: Math.round(Math.max(0, promptTokens - view.heldTokens)),
      predictedCachedTokens: predictCachedTokens(Math.min(view.heldTokens, view.estimate.credibleTokens(longest, key, prompt.tokenEnds)), promptTokens, view.estimate.blockSize),
    };
  }

  #byLoad(ask: Ask): PlacedByLoad | Busy | Refusal {
    const { pools, estimates, random, clock } = this.#deps;
    const nowMs = clock();
    const stored = ask.facts.kind === 'stored-response' ? this.#responses.endpointOf(ask.facts.responseId) : undefined;
    const taking = pools.all().filter((endpoint) => endpoint.settings.byLoad || endpoint.address.id === stored);
    const { endpoints, full } = availableOf(taking, undefined, nowMs);
    const candidates = narrow(endpoints, ask.excluded, stored);
    if (candidates.length === 0) return full > 0 ? { kind: 'busy', place: BY_LOAD, criticality: 'standard' } : unavailable();
    const views = candidates.map((endpoint) => ({ inFlight: estimates.of(endpoint).inFlight(nowMs), matchRatio: 0, queuedTokens: 0, uncachedTokens: 0, insertedTokens: 0, pressure: 0 }));
    return { kind: 'placed-by-load', endpoint: candidates[this.#leastRequest(views, { random, turn: 0 })]! };
  }

  #endpointsOf(target: Target): readonly Endpoint[] {
    const { pools } = this.#deps;
    return target.pool === undefined ? pools.all() : pools.endpoints(target.pool);
  }

  #listener(ask: Ask): { readonly rule: ListenerRule; readonly choose: Policy } {
    const listener = this.#listeners.get(ask.listener);
    if (listener === undefined) throw new Error(`No listener is named '${ask.listener}'`);
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

function unavailable(): Refusal {
  return refusal(503, 'no_endpoint_available', 'No endpoint is available for this model now. Try again later.', undefined, RETRY_AFTER_S);
}

function shed(): Refusal {
  return refusal(503, 'shed', 'Every endpoint is busy, and requests for this model give way to others. Try again later.', undefined, RETRY_AFTER_S);
}
