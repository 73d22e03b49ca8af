// metrics-requests.ts: what is counted when a request ends. Runs once a request, so it makes no series that it does not need.

import { Counter, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';

import type { RefusalReason } from '../core/dispatcher.ts';
import type { RequestObserver, RequestRecord } from '../core/record.ts';
import { modelLabels } from './model-label.ts';

const TIME_TO_FIRST_TOKEN_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
const DURATION_BUCKETS_S = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600];
const MATCH_RATIO_BUCKETS = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];
const CHOICE_DURATION_BUCKETS_S = [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01];

const REFUSAL_REASONS: ReadonlySet<string> = new Set<RefusalReason | 'bodies_too_large'>(['overloaded', 'no_endpoint_available', 'model_not_ready', 'bodies_too_large']);

/**
 * Registers the series of requests and counts into them.
 *
 * `ended` takes 4 to 5 µs. Handles from `labels()` are no faster (about 1 µs either way for the counter of five labels): prom-client hashes
 * the labels each time.
 */
export function countRequests(registry: Registry, modelsMax: number): RequestObserver {
  const modelLabel = modelLabels(modelsMax);
  const series = requestSeries(registry);

  return {
    chosen() {},

    retried(_record, reason) {
      series.retries.inc({ reason });
    },

    ended(record) {
      const { listener, outcome } = record;
      const model = modelLabel(record.model);
      const policy = record.policy === '' ? 'none' : record.policy;
      const labels = { model, listener, policy };
      series.requests.inc({ model, listener, policy, outcome, code: record.status });
      series.duration.observe(labels, record.durationMs / 1000);
      if (record.timeToFirstTokenMs !== undefined) series.timeToFirstToken.observe(labels, record.timeToFirstTokenMs / 1000);
      if (outcome === 'shed') series.shed.inc({ reason: shedReason(record.reason) });
      if (record.attempts > 0) {
        series.choiceDuration.observe({ policy }, record.choiceDurationMs / 1000);
        if (hasPrompt(record)) series.matchRatio.observe({ listener }, record.matchRatio);
      }
      if (outcome === 'complete' && hasPrompt(record)) {
        series.promptTokens.inc({ listener }, record.reportedPromptTokens ?? record.promptTokens);
        series.notRecomputed.inc({ listener }, record.reportedCachedTokens ?? record.predictedCachedTokens);
      }
    },
  };
}

/** Whether the router read its prompt. What is forwarded unread would count as a match of nothing. */
function hasPrompt(record: RequestRecord): boolean {
  return record.surface !== 'by-load' && record.surface !== 'stored-response';
}

/** A refusal's code stands as the record's reason; other reasons are sentences, which no label may be. */
function shedReason(reason: string): string {
  return REFUSAL_REASONS.has(reason) ? reason : 'other';
}

function requestSeries(registry: Registry) {
  const registers = [registry];
  const perModel = { labelNames: ['model', 'listener', 'policy'] as const, registers };
  const perListener = { labelNames: ['listener'] as const, registers };
  const perReason = { labelNames: ['reason'] as const, registers };
  return {
    requests: new Counter({
      name: 'warmroute_requests_total',
      help: 'Requests that ended, by how they ended and the status that the client saw.',
      labelNames: ['model', 'listener', 'policy', 'outcome', 'code'],
      registers,
    }),
    duration: new Histogram({
      name: 'warmroute_request_duration_seconds',
      help: 'From the first byte of a request to its end.',
      buckets: DURATION_BUCKETS_S,
      ...perModel,
    }),
    timeToFirstToken: new Histogram({
      name: 'warmroute_time_to_first_token_seconds',
      help: 'From a whole request being here to its first token being on its way to the client.',
      buckets: TIME_TO_FIRST_TOKEN_BUCKETS_S,
      ...perModel,
    }),
    matchRatio: new Histogram({
      name: 'warmroute_match_ratio',
      help: 'Share of the prompt that the chosen endpoint probably held.',
      buckets: MATCH_RATIO_BUCKETS,
      ...perListener,
    }),
    choiceDuration: new Histogram({
      name: 'warmroute_choice_duration_seconds',
      help: 'Time that choosing an endpoint took.',
      buckets: CHOICE_DURATION_BUCKETS_S,
      labelNames: ['policy'],
      registers,
    }),
    promptTokens: new Counter({
      name: 'warmroute_complete_prompt_tokens_total',
      help: 'Prompt tokens of complete requests, as reported, else as estimated.',
      ...perListener,
    }),
    notRecomputed: new Counter({
      name: 'warmroute_prompt_tokens_not_recomputed_total',
      help: 'Cached tokens of complete requests, as reported, else as predicted.',
      ...perListener,
    }),
    retries: new Counter({ name: 'warmroute_retries_total', help: 'Attempts that were repeated elsewhere.', ...perReason }),
    shed: new Counter({ name: 'warmroute_shed_total', help: 'Requests that were refused to protect the others.', ...perReason }),
  };
}
