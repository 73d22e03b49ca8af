// dispatcher.ts: the decision. Assign, first token, finish: the single writer of leases, estimates and what was learned.

import type { Clock } from '../core/clock.ts';
import type { Ask, Assignment, Dispatcher, Outcome, Refusal, Standing } from '../core/dispatcher.ts';
import type { Random } from '../core/random.ts';
import type { GenerationFacts } from '../core/request.ts';
import { createPolicy, type Policy } from '../balance/policy.ts';
import { unavailableBecause } from '../pool/availability.ts';
import type { Endpoint } from '../pool/endpoint.ts';
import { takeLease } from '../pool/lease.ts';
import type { Pools } from '../pool/pools.ts';
import { modelKey } from '../prefix/model-key.ts';
import type { AccountTerms } from './account.ts';
import { matchEndpoints, predictCachedTokens, promptTokensOf, sizePrompt, viewEndpoints } from './ask-view.ts';
import { Attempts, type AttemptState } from './attempts.ts';
import { Estimates } from './estimates.ts';
import { chooseTarget, refusal, resolveModel } from './models.ts';
import type { DispatchSettings, ListenerRule, ModelRoute, Target } from './settings.ts';
import { StoredResponses } from './stored-responses.ts';

export interface DispatchDeps {
  readonly pools: Pools;
  readonly estimates: Estimates;
  readonly clock: Clock;
  readonly random: Random;
}

interface Listener {
  readonly rule: ListenerRule;
  readonly choose: Policy;
  turn: number;
}

const RETRY_AFTER_S = 1;
/** Any client may ask for thousands of sequences, of which the engine runs some and lets the others wait: no reason to take its endpoint from all others. */
const LEASE_WEIGHT_MAX = 16;

/** The implementation behind the seam. Pure but for what it is given: the same calls, clock and random numbers give the same choices. */
export class PrefixDispatcher implements Dispatcher {
  readonly #deps: DispatchDeps;
  readonly #settings: DispatchSettings;
  readonly #models: ReadonlyMap<string, ModelRoute>;
  readonly #listeners: ReadonlyMap<string, Listener>;
  readonly #leastRequest: Policy;
  readonly #attempts = new Attempts();
  readonly #responses = new StoredResponses();

  constructor(deps: DispatchDeps, settings: DispatchSettings) {
    this.#deps = deps;
    this.#settings = settings;
    this.#models = new Map(settings.models.map((model) => [model.name, model]));
    const options = { matchRatioMin: settings.prefix.matchRatioMin };
    this.#listeners = new Map(settings.listeners.map((rule) => [rule.name, { rule, choose: createPolicy(rule.policy, options), turn: 0 }]));
    this.#leastRequest = createPolicy('least-request', options);
  }

  assign(ask: Ask): Assignment | Refusal {
    if (this.#attempts.size >= this.#settings.inFlightMax) {
      return refusal(503, 'overloaded', 'The router has as many requests in flight as it may have. Try again later.', undefined, RETRY_AFTER_S);
    }
    const { facts } = ask;
    if (facts.kind === 'generation') return this.#assignByPolicy(ask, facts);
    const stored = facts.kind === 'stored-response' ? this.#responses.endpointOf(facts.responseId) : undefined;
    return this.#assignByLoad(ask, stored);
  }

  leave(_ticket: number): void {}

  standing(_attempt: number, _heard: boolean): Standing {
    return 'up';
  }

  firstToken(attempt: number, responseId?: string): void {
    const state = this.#attempts.get(attempt);
    if (state === undefined) return;
    if (responseId !== undefined) this.#responses.note(responseId, state.endpoint.address.id);
    state.account?.confirm(this.#deps.clock());
  }

  finish(attempt: number, outcome: Outcome): void {
    const state = this.#attempts.take(attempt);
    if (state === undefined) throw new Error(`Attempt ${attempt} was finished twice, or never assigned`);
    state.lease.return();
    if (outcome.kind === 'complete' && outcome.responseId !== undefined) this.#responses.note(outcome.responseId, state.endpoint.address.id);
    state.account?.close(outcome, this.#deps.clock());
    if (outcome.kind === 'unreachable' && outcome.refused) state.endpoint.noteUnreachable();
  }

  #assignByPolicy(ask: Ask, facts: GenerationFacts): Assignment | Refusal {
    const { pools, estimates, random } = this.#deps;
    const resolved = resolveModel(facts.model, this.#models, pools.all());
    if (resolved.kind === 'refused') return resolved;
    const { route } = resolved;
    const target = chooseTarget(route.targets, facts.prompts[0], facts.openingBlocks);
    const listener = this.#listener(ask);
    const available = target === undefined ? [] : this.#available(target);
    const candidates = this.#narrow(available, ask.excluded, this.#responses.endpointOf(facts.previousResponseId));
    if (target === undefined || candidates.length === 0) return unavailable();

    const nowMs = this.#deps.clock();
    const key = modelKey(target.model);
    const learned = estimates.model(target.model);
    const shared = estimates.sharedAt(nowMs);
    const [longest, ...shorter] = facts.prompts;
    const believed = candidates.map((endpoint) => estimates.of(endpoint));
    const matched = matchEndpoints(believed, longest, shared, key);
    const prompt = sizePrompt(longest, matched, shared, key, learned);
    const prompts: AccountTerms['prompts'] = [prompt, ...shorter.map((chain) => sizePrompt(chain, [], shared, key, learned))];
    const views = viewEndpoints(believed, matched, prompt, { key, learned, nowMs, endpoints: available.length });
    const view = views[listener.choose(views, { random, turn: listener.turn++ })]!;
    const { endpoint } = view.estimate;
    const promptTokens = prompts.reduce((sum, each) => sum + promptTokensOf(each), 0);
    const predictedCachedTokens = predictCachedTokens(view.heldTokens, promptTokens, view.estimate.blockSize);
    // Whole numbers come back to exactly zero, and idle endpoints stay exactly equal.
    const uncachedTokens = Math.round(Math.max(0, promptTokens - view.heldTokens));
    const terms = { facts, key, learned, prompts, recorded: listener.rule.record, uncachedTokens, predictedCachedTokens, nowMs };
    const account = estimates.open(view.estimate, terms, ask.excluded.length === 0);
    const attempt = this.#attempts.add({ endpoint, lease: takeLease(endpoint, Math.min(facts.weight, LEASE_WEIGHT_MAX)), account });
    return {
      kind: 'assigned',
      attempt,
      endpoint: endpoint.address,
      model: route.name,
      upstreamModel: this.#models.size > 0 && target.model !== facts.model ? target.model : undefined,
      asksUsage: facts.canAskUsage && endpoint.settings.usage === 'ask',
      criticality: route.criticality,
      policy: listener.rule.policy,
      matchRatio: view.matchRatio,
      promptTokens: Math.round(promptTokens),
      predictedCachedTokens,
    };
  }

  #assignByLoad(ask: Ask, preferred: string | undefined): Assignment | Refusal {
    const available = this.#deps.pools.all().filter((endpoint) => endpoint.settings.byLoad && unavailableBecause(endpoint, undefined) === undefined);
    const candidates = this.#narrow(available, ask.excluded, preferred);
    if (candidates.length === 0) return unavailable();
    const nowMs = this.#deps.clock();
    const views = candidates.map((endpoint) => ({ inFlight: this.#deps.estimates.of(endpoint).inFlight(nowMs), matchRatio: 0, queuedTokens: 0, uncachedTokens: 0, insertedTokens: 0, pressure: 0 }));
    const endpoint = candidates[this.#leastRequest(views, { random: this.#deps.random, turn: 0 })]!;
    const state: AttemptState = { endpoint, lease: takeLease(endpoint, 1), account: undefined };
    return {
      kind: 'assigned',
      attempt: this.#attempts.add(state),
      endpoint: endpoint.address,
      model: '',
      upstreamModel: undefined,
      asksUsage: false,
      criticality: 'standard',
      policy: 'least-request',
      matchRatio: 0,
      promptTokens: 0,
      predictedCachedTokens: 0,
    };
  }

  #available(target: Target): readonly Endpoint[] {
    const { pools } = this.#deps;
    const endpoints = target.pool === undefined ? pools.all() : pools.endpoints(target.pool);
    return endpoints.filter((endpoint) => unavailableBecause(endpoint, target.model) === undefined);
  }

  /** Endpoints not tried yet; of these the preferred one alone, when it is there. */
  #narrow(available: readonly Endpoint[], excluded: readonly string[], preferred: string | undefined): readonly Endpoint[] {
    const untried = excluded.length === 0 ? available : available.filter((endpoint) => !excluded.includes(endpoint.address.id));
    if (preferred === undefined) return untried;
    const holder = untried.filter((endpoint) => endpoint.address.id === preferred);
    return holder.length > 0 ? holder : untried;
  }

  #listener(ask: Ask): Listener {
    const listener = this.#listeners.get(ask.listener);
    if (listener === undefined) throw new Error(`No listener is named '${ask.listener}'`);
    return listener;
  }
}

function unavailable(): Refusal {
  return refusal(503, 'no_endpoint_available', 'No endpoint is available for this model now. Try again later.', undefined, RETRY_AFTER_S);
}
