// page-told.ts: what the page for operators is told: all numbers once a second, and choices as they are made.

import type { Choice, Choices, Considered } from '../core/choice.ts';
import type { LastMinute, PromptTotals, Recent } from '../core/last-minute.ts';
import type { EndpointStatus } from '../core/status.ts';
import { considered, headAnswer } from './choice-answers.ts';
import { ChoiceFeed } from './choice-feed.ts';
import { event, TICK_MS, type Told } from './event-stream.ts';

export interface PageOptions {
  readonly version: string;
  readonly choices: Choices;
  /** The dispatcher's, in milliseconds. */
  readonly clock: () => number;
  readonly statuses: () => readonly EndpointStatus[];
  /** Listeners for clients, in the order of the configuration. */
  readonly listeners: () => readonly { readonly name: string; readonly policy: string }[];
  readonly lastMinute: LastMinute;
  /** Requests that wait for a slot. */
  readonly waiting: () => number;
}

const SNAPSHOT_TICKS = 1000 / TICK_MS;
/** With 200 endpoints each takes the router 0.1 ms. */
const CHOICES_EACH_TICK = 3;
const CHOICES_GREETED_WITH = 40;
/** Of a choice's candidates: the cheapest, and some of those that were not available. */
const CANDIDATES_MAX = 24;
const UNAVAILABLE_MAX = 8;

/** Names of a row's values, in their order. Rows of values alone are a third of the bytes, which counts with 200 endpoints. */
const ENDPOINT_COLUMNS = [
  'id', 'pool', 'because', 'draining_by', 'in_flight', 'queued_tokens', 'running', 'kv_usage', 'predicted_hit_ratio', 'reported_hit_ratio',
  'ttft_p50_ms', 'requests_per_s', 'index_tokens', 'capacity_tokens',
] as const;

export function pageTold(options: PageOptions): Told {
  const feed = new ChoiceFeed({ choices: options.choices, clock: options.clock, shown: choiceAnswer, eachTick: CHOICES_EACH_TICK, greetedWith: CHOICES_GREETED_WITH });
  // Sequence numbers begin anew with the process, so the page has to know one process from another.
  const process = Date.now();
  let ticks = 0;
  const snapshot = (): string => event('snapshot', snapshotAnswer(options));
  return {
    begin() {
      ticks = 0;
      feed.begin();
    },
    end: () => feed.end(),
    greeting: () => event('hello', { version: options.version, process, endpoint_columns: ENDPOINT_COLUMNS }) + snapshot() + feed.greeting(),
    tick() {
      ticks += 1;
      return feed.tick() + (ticks % SNAPSHOT_TICKS === 0 ? snapshot() : '');
    },
  };
}

function snapshotAnswer({ statuses, listeners, lastMinute, waiting }: PageOptions) {
  return {
    at: Date.now(),
    waiting: waiting(),
    listeners: listeners().map(({ name, policy }) => ({ name, policy, ...listenerAnswer(lastMinute.ofListener(name)) })),
    endpoints: statuses().map((status) => endpointRow(status, lastMinute.ofEndpoint(status.id))),
  };
}

function listenerAnswer(recent: (Recent & PromptTotals) | undefined) {
  return {
    requests_per_s: rounded(recent?.requestsPerS ?? 0),
    ttft_p50_ms: rounded(recent?.timeToFirstTokenP50Ms),
    ttft_p90_ms: rounded(recent?.timeToFirstTokenP90Ms),
    predicted_hit_ratio: rounded(recent?.predictedHitRatio),
    reported_hit_ratio: rounded(recent?.reportedHitRatio),
    error_ratio: rounded(recent?.errorRatio),
    prompt_tokens: Math.round(recent?.promptTokens ?? 0),
    not_recomputed_tokens: Math.round(recent?.notRecomputedTokens ?? 0),
  };
}

function endpointRow(status: EndpointStatus, recent: Recent | undefined): unknown[] {
  const { index, load } = status;
  const row: Record<(typeof ENDPOINT_COLUMNS)[number], unknown> = {
    id: status.id,
    pool: status.pool,
    because: status.unavailableBecause,
    draining_by: status.drainingBy,
    in_flight: status.inFlight,
    queued_tokens: status.queuedPromptTokens,
    running: load?.running ?? null,
    kv_usage: rounded(load?.kvUsage),
    predicted_hit_ratio: rounded(recent?.predictedHitRatio),
    reported_hit_ratio: rounded(recent?.reportedHitRatio),
    ttft_p50_ms: rounded(recent?.timeToFirstTokenP50Ms),
    requests_per_s: rounded(recent?.requestsPerS ?? 0),
    index_tokens: Math.round(index.tokens),
    capacity_tokens: index.capacityTokens,
  };
  return ENDPOINT_COLUMNS.map((column) => row[column]);
}

/** The chosen one first, then by cost, then those that were not available. */
function choiceAnswer(choice: Choice, nowMs: number) {
  const unavailable = choice.considered.filter(({ available }) => !available);
  const available = choice.considered.filter((each) => each.available).toSorted((a, b) => rank(a, choice) - rank(b, choice));
  const shown = [...available.slice(0, CANDIDATES_MAX), ...unavailable.slice(0, Math.max(UNAVAILABLE_MAX, CANDIDATES_MAX - available.length))];
  return { ...headAnswer(choice, nowMs), candidates: shown.map(considered), candidates_total: choice.endpoints };
}

function rank({ endpoint, cost = Infinity }: Considered, choice: Choice): number {
  return endpoint === choice.endpoint ? -1 : cost;
}

/** To what people can read, and charts can show. */
function rounded(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value * 1e4) / 1e4;
}
