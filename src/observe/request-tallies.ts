// request-tallies.ts: what is counted of every request, kept by what its labels are made of and handed to prom-client when somebody scrapes.

import { Counter } from 'prom-client';
import type { Registry } from 'prom-client';

import type { RequestOutcome } from '../core/record.ts';
import { createHistogram, type Tally } from './histogram.ts';

const TIME_TO_FIRST_TOKEN_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
const DURATION_BUCKETS_S = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600];
const MATCH_RATIO_BUCKETS = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];
const CHOICE_DURATION_BUCKETS_S = [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01];

export interface ListenerTally {
  readonly matchRatio: Tally;
  promptTokens: number;
  notRecomputed: number;
}

/** Of one model, listener and policy. */
export interface RequestTally {
  readonly listener: ListenerTally;
  readonly duration: Tally;
  readonly timeToFirstToken: Tally;
  readonly choiceDuration: Tally;
  /** By outcome, then by status. */
  readonly ended: Map<RequestOutcome, Map<number, number>>;
}

export class RequestTallies {
  readonly #byListener = new Map<string, ListenerTally>();
  readonly #choiceDurations = new Map<string, Tally>();
  /** By model, then listener, then policy. */
  readonly #all = new Map<string, Map<string, Map<string, RequestTally>>>();
  readonly #histograms: Histograms;

  constructor(registry: Registry) {
    this.#histograms = registerHistograms(registry);
    registry.registerMetric(requestsCounter(this.#all));
    registry.registerMetric(tokensCounter('warmroute_complete_prompt_tokens_total', 'Prompt tokens of complete requests, as reported, else as estimated.', this.#byListener, 'promptTokens'));
    registry.registerMetric(tokensCounter('warmroute_prompt_tokens_not_recomputed_total', 'Cached tokens of complete requests, as reported, else as predicted.', this.#byListener, 'notRecomputed'));
  }

  of(model: string, listener: string, policy: string): RequestTally {
    return this.#all.get(model)?.get(listener)?.get(policy) ?? this.#add(model, listener, policy);
  }

  #add(model: string, listener: string, policy: string): RequestTally {
    const { duration, timeToFirstToken, choiceDuration, matchRatio } = this.#histograms;
    const labels = { model, listener, policy };
    const tally: RequestTally = {
      listener: kept(this.#byListener, listener, () => ({ matchRatio: matchRatio({ listener }), promptTokens: 0, notRecomputed: 0 })),
      duration: duration(labels),
      timeToFirstToken: timeToFirstToken(labels),
      choiceDuration: kept(this.#choiceDurations, policy, () => choiceDuration({ policy })),
      ended: new Map(),
    };
    const listeners = kept(this.#all, model, () => new Map<string, Map<string, RequestTally>>());
    kept(listeners, listener, () => new Map<string, RequestTally>()).set(policy, tally);
    return tally;
  }
}

/** A request ended so. */
export function countEnd({ ended }: RequestTally, outcome: RequestOutcome, code: number): void {
  const codes = kept(ended, outcome, newCounts);
  codes.set(code, (codes.get(code) ?? 0) + 1);
}

function newCounts(): Map<number, number> {
  return new Map();
}

type ByModel = ReadonlyMap<string, ReadonlyMap<string, ReadonlyMap<string, RequestTally>>>;

function requestsCounter(tallies: ByModel): Counter {
  return new Counter({
    name: 'warmroute_requests_total',
    help: 'Requests that ended, by how they ended and the status that the client saw.',
    labelNames: ['model', 'listener', 'policy', 'outcome', 'code'],
    registers: [],
    collect() {
      this.reset();
      for (const [model, listeners] of tallies)
        for (const [listener, policies] of listeners)
          for (const [policy, { ended }] of policies)
            for (const [outcome, codes] of ended) for (const [code, count] of codes) this.inc({ model, listener, policy, outcome, code }, count);
    },
  });
}

function tokensCounter(name: string, help: string, byListener: ReadonlyMap<string, ListenerTally>, field: 'promptTokens' | 'notRecomputed'): Counter {
  return new Counter({
    name,
    help,
    labelNames: ['listener'],
    registers: [],
    collect() {
      this.reset();
      for (const [listener, tally] of byListener) this.inc({ listener }, tally[field]);
    },
  });
}

type Histograms = ReturnType<typeof registerHistograms>;

function registerHistograms(registry: Registry) {
  return {
    duration: createHistogram(registry, {
      name: 'warmroute_request_duration_seconds',
      help: 'From the first byte of a request to its end.',
      buckets: DURATION_BUCKETS_S,
    }),
    timeToFirstToken: createHistogram(registry, {
      name: 'warmroute_time_to_first_token_seconds',
      help: 'From a whole request being here to its first token being on its way to the client.',
      buckets: TIME_TO_FIRST_TOKEN_BUCKETS_S,
    }),
    matchRatio: createHistogram(registry, {
      name: 'warmroute_match_ratio',
      help: 'Share of the prompt that the chosen endpoint probably held.',
      buckets: MATCH_RATIO_BUCKETS,
    }),
    choiceDuration: createHistogram(registry, {
      name: 'warmroute_choice_duration_seconds',
      help: 'Time that choosing an endpoint took.',
      buckets: CHOICE_DURATION_BUCKETS_S,
    }),
  };
}

function kept<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
