// dispatcher.ts: the decision. Assign, first token, finish: the single writer of leases, estimates, the queue and what was learned.

import type { Choices, Explanation } from '../core/choice.ts';
import type { Ask, Assignment, Dispatcher, Outcome, Refusal, Settled, Standing, Waiting } from '../core/dispatcher.ts';
import type { GenerationFacts } from '../core/request.ts';
import { takeLease } from '../pool/lease.ts';
import type { Schedule } from '../pool/schedule.ts';
import { tokensMaxOf } from '../pool/served-models.ts';
import { promptTokensOf } from './ask-view.ts';
import { Attempts } from './attempts.ts';
import { Chance } from './chance.ts';
import { ChoiceRing } from './choice-ring.ts';
import { explainPlaced, explainUnplaced } from './explain.ts';
import { tellHealth } from './health.ts';
import { refusal } from './models.ts';
import { type Busy, type DispatchDeps, Placement, type Placed, type PlacedByLoad } from './placement.ts';
import { Queue, type Waiter } from './queue.ts';
import { RetryBudget } from './retry-budget.ts';
import type { DispatchSettings } from './settings.ts';
import { StoredResponses } from './stored-responses.ts';

/** Any client may ask for thousands of sequences, of which the engine runs some and lets the others wait: no reason to take its endpoint from all others. */
const LEASE_WEIGHT_MAX = 16;
/** Prompts have other tokens than it seems, but hardly so many times fewer. */
const FAR_TOO_LONG = 2;
/** There may be thousands of adapters to look through. No model takes so little. */
const SEARCHED_FROM_TOKENS = 1024;
/** While somebody waits: endpoints come back without an attempt having ended, and waiting has a limit. */
const QUEUE_TICK_MS = 50;
/** What a client is told to wait at least and at most, in seconds. */
const RETRY_AFTER_S_MIN = 1;
const RETRY_AFTER_S_MAX = 30;
/** The total limit, as a place that is full. */
const ROUTER = 'router';

/** The implementation behind the seam. Pure but for what it is given: the same calls, clock and random numbers give the same choices. */
export class PrefixDispatcher implements Dispatcher {
  readonly #deps: DispatchDeps & { readonly schedule?: Schedule };
  readonly #attempts = new Attempts();
  readonly #responses = new StoredResponses();
  readonly #budget = new RetryBudget();
  readonly #queue = new Queue();
  readonly #turns = new Map<string, number>();
  readonly #ring = new ChoiceRing();
  readonly #chance: Chance;
  #settings: DispatchSettings;
  #placement: Placement;
  #ticks = false;

  /** Without a schedule nothing waits for longer than until the next attempt ends. */
  constructor(deps: DispatchDeps & { readonly schedule?: Schedule }, settings: DispatchSettings) {
    this.#deps = deps;
    this.#chance = new Chance(deps.random);
    this.#settings = settings;
    this.#placement = new Placement(deps, this.#responses, settings);
  }

  /** From now on these hold. Attempts go on, and what waits goes on waiting. A listener that is gone keeps its rule: its requests may be under way. */
  reconfigure(settings: DispatchSettings): void {
    const rules = new Map([...this.#settings.listeners, ...settings.listeners].map((rule) => [rule.name, rule]));
    this.#settings = { ...settings, listeners: [...rules.values()] };
    this.#placement = new Placement(this.#deps, this.#responses, this.#settings);
    this.#serve();
  }

  /** Requests that wait for a slot, and the bytes of their bodies. */
  get waiting(): { readonly requests: number; readonly bytes: number } {
    return { requests: this.#queue.length, bytes: this.#queue.bytes };
  }

  /** The reasons of the last choices. */
  get choices(): Choices {
    return this.#ring;
  }

  assign(ask: Ask): Assignment | Refusal;
  assign(ask: Ask, settled: Settled): Assignment | Refusal | Waiting;
  assign(ask: Ask, settled?: Settled): Assignment | Refusal | Waiting {
    const nowMs = this.#deps.clock();
    if (ask.retry === undefined) this.#budget.noteRequest(nowMs);
    else if (ask.retry === 'budgeted' && !this.#budget.take(nowMs, this.#settings.retry)) return overBudget();
    // Nobody overtakes those who wait.
    if (this.#queue.length > 0) this.#serve();
    const placed = this.#place(ask);
    if (placed.kind !== 'busy') return placed;
    return settled === undefined ? this.#overloaded(nowMs) : this.#wait(ask, placed, settled, nowMs);
  }

  leave(ticket: number): void {
    this.#queue.remove(ticket);
  }

  standing(attempt: number, heard: boolean): Standing {
    const endpoint = this.#attempts.get(attempt)?.endpoint;
    if (endpoint === undefined) return 'up';
    const nowMs = this.#deps.clock();
    if (heard) endpoint.noteHeard(nowMs);
    return endpoint.standing();
  }

  firstToken(attempt: number, responseId?: string, isWhole = false): void {
    const state = this.#attempts.get(attempt);
    if (state === undefined) return;
    if (responseId !== undefined) this.#responses.note(responseId, state.endpoint.address.id);
    const nowMs = this.#deps.clock();
    // The end says the same, and touching the prompt's blocks is a large part of what a short request costs.
    if (!isWhole) state.account?.confirm(nowMs);
    this.#ring.firstToken(state.choice, nowMs);
    state.endpoint.noteAnswered(state.sentMs, nowMs, 'first-token');
  }

  finish(attempt: number, outcome: Outcome): void {
    const state = this.#attempts.take(attempt);
    if (state === undefined) throw new Error(`Attempt ${attempt} was finished twice, or never assigned`);
    const nowMs = this.#deps.clock();
    state.lease.return();
    if (outcome.kind === 'complete' && outcome.responseId !== undefined) this.#responses.note(outcome.responseId, state.endpoint.address.id);
    state.account?.close(outcome, nowMs);
    tellHealth(state, outcome, nowMs);
    this.#ring.finish(state.choice, outcome, nowMs);
    if (this.#queue.length > 0) this.#serve();
  }

  explain(ask: Ask & { readonly facts: GenerationFacts }): Explanation {
    const nowMs = this.#deps.clock();
    // Those who wait come first, and get what is free already: it is theirs, whoever looks.
    if (this.#queue.length > 0) this.#serve();
    const isFull = this.#attempts.size >= this.#settings.admission.inFlightMax;
    const found = isFull ? this.#routerBusy(ask) : this.#placement.find(ask, { random: this.#chance.foresee(), turn: this.#turns.get(ask.listener) ?? 0 });
    if (found.kind === 'placed-by-load') throw new Error('Only a request with a prompt is placed by policy');
    return found.kind === 'placed' ? explainPlaced(ask, found, nowMs) : explainUnplaced(ask, found, this.#placement, nowMs);
  }

  #place(ask: Ask): Assignment | Refusal | Busy {
    if (this.#attempts.size >= this.#settings.admission.inFlightMax) return this.#routerBusy(ask);
    const turn = this.#turns.get(ask.listener) ?? 0;
    const found = this.#placement.find(ask, { random: this.#chance.draw, turn });
    if (found.kind === 'placed') {
      this.#turns.set(ask.listener, turn + 1);
      return this.#take(found, ask);
    }
    return found.kind === 'placed-by-load' ? this.#takeByLoad(found) : found;
  }

  /** Nobody has to wait to hear that his model is unknown. */
  #routerBusy(ask: Ask): Busy | Refusal {
    const route = this.#placement.routeOf(ask);
    return route?.kind === 'refused' ? route : { kind: 'busy', place: ROUTER, criticality: route?.criticality ?? 'standard' };
  }

  #take(placed: Placed, ask: Ask): Assignment {
    const { facts } = ask;
    if (facts.kind !== 'generation') throw new Error('Only a request with a prompt is placed by policy');
    const { endpoint, route, rule, key, learned, prompts, view, uncachedTokens, predictedCachedTokens } = placed;
    const nowMs = this.#deps.clock();
    const choice = this.#ring.note(ask, placed, nowMs);
    const isRefused = isFarTooLong(placed);
    const terms = { facts, key, learned, prompts, recorded: rule.record && !isRefused, uncachedTokens: isRefused ? 0 : uncachedTokens, predictedCachedTokens, nowMs };
    const account = this.#deps.estimates.open(view.estimate, terms);
    const lease = takeLease(endpoint, Math.min(facts.weight, LEASE_WEIGHT_MAX));
    return {
      kind: 'assigned',
      attempt: this.#attempts.add({ endpoint, lease, account, choice, sentMs: nowMs }),
      endpoint: endpoint.address,
      model: route.name,
      upstreamModel: placed.upstreamModel,
      asksUsage: facts.canAskUsage && endpoint.settings.usage === 'ask',
      criticality: route.criticality,
      policy: rule.policy,
      matchRatio: view.matchRatio,
      promptTokens: Math.round(placed.promptTokens),
      predictedCachedTokens,
      reason: ask.wantsReason === true ? this.#ring.read(choice) : undefined,
    };
  }

  #takeByLoad({ endpoint }: PlacedByLoad): Assignment {
    return {
      kind: 'assigned',
      attempt: this.#attempts.add({ endpoint, lease: takeLease(endpoint, 1), account: undefined, choice: 0, sentMs: this.#deps.clock() }),
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

  #wait(ask: Ask, busy: Busy, settled: Settled, nowMs: number): Waiting | Refusal {
    const added = this.#queue.add({ ask, place: busy.place, criticality: busy.criticality, sinceMs: nowMs, settled }, this.#settings.admission);
    if (added === undefined) return this.#overloaded(nowMs);
    this.#armTick();
    const gaveWay = refusal(503, 'shed', 'More important requests took the room to wait. Try again later.', undefined, this.#retryAfterS(nowMs));
    for (const waiter of added.displaced) waiter.settled(gaveWay);
    return { kind: 'waiting', ticket: added.ticket };
  }

  /** Gives free slots to those who wait, and tells those who have waited too long. */
  #serve(): void {
    const nowMs = this.#deps.clock();
    for (const waiter of this.#queue.expired(nowMs, this.#settings.admission)) {
      const message = `No slot became free within queue_wait_max_ms (${this.#settings.admission.queueWaitMaxMs} ms). Try again later.`;
      this.#tell(waiter, refusal(503, 'queue_timeout', message, undefined, this.#retryAfterS(nowMs)));
    }
    const full = new Set<string>();
    for (const waiter of this.#queue.inOrder()) {
      if (full.has(ROUTER)) break;
      // Those who wait for the same wait together: one look is enough for all of them.
      if (waiter.place !== undefined && full.has(waiter.place)) continue;
      const placed = this.#place(waiter.ask);
      if (placed.kind !== 'busy') this.#tell(waiter, placed);
      else {
        waiter.place = placed.place;
        if (placed.place !== undefined) full.add(placed.place);
      }
    }
  }

  #tell(waiter: Waiter, result: Assignment | Refusal): void {
    if (this.#queue.remove(waiter.ticket)) waiter.settled(result);
  }

  #armTick(): void {
    if (this.#ticks) return;
    this.#ticks = true;
    this.#deps.schedule?.(QUEUE_TICK_MS, () => {
      this.#ticks = false;
      this.#serve();
      if (this.#queue.length > 0) this.#armTick();
    });
  }

  #overloaded(nowMs: number): Refusal {
    return refusal(503, 'overloaded', 'As many requests are in flight as may be, and there is no room to wait. Try again later.', undefined, this.#retryAfterS(nowMs));
  }

  /** As long as others have waited already. */
  #retryAfterS(nowMs: number): number {
    return Math.min(RETRY_AFTER_S_MAX, Math.max(RETRY_AFTER_S_MIN, Math.ceil(this.#queue.longestMs(nowMs) / 1000)));
  }
}

/** The engine will refuse it, but may take a while for that, in which it would seem to have evicted what it holds. */
function isFarTooLong({ endpoint, target, prompts: [longest] }: Placed): boolean {
  const tokens = promptTokensOf(longest);
  return tokens > SEARCHED_FROM_TOKENS && tokens > FAR_TOO_LONG * tokensMaxOf(endpoint.models ?? [], target.model);
}

function overBudget(): Refusal {
  return refusal(503, 'retry_budget', 'Too many requests were tried again lately.', undefined, RETRY_AFTER_S_MIN);
}
