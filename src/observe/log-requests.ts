// log-requests.ts: what the log says of one request: that a prefix chose its endpoint, that it was tried again, and how it ended.

import type { Logger } from 'pino';

import type { Random } from '../core/random.ts';
import type { RequestObserver, RequestRecord } from '../core/record.ts';
import { idSampler } from './id-sampler.ts';

export interface RequestLogSettings {
  /** Share of the requests that went well which are logged, 0 to 1. What went wrong is always logged. */
  readonly sampleRatio: number;
  /** Match ratio above which `prefix-threshold` chooses by prefix. */
  readonly matchRatioMin: number;
}

export interface RequestLog extends RequestObserver {
  reconfigure(settings: RequestLogSettings): void;
}

/** A line with at least one field, whose level is enabled. The fields are asked for when the line goes out. */
export type WriteLine = (level: 'info' | 'warn', fields: () => object, message: string) => void;

export function logRequests(logger: Logger, writeLine: WriteLine, settings: RequestLogSettings, random: Random): RequestLog {
  let { matchRatioMin } = settings;
  let sampled = idSampler(settings.sampleRatio, random);

  return {
    reconfigure(next) {
      matchRatioMin = next.matchRatioMin;
      sampled = idSampler(next.sampleRatio, random);
    },

    chosen(record) {
      if (!logger.isLevelEnabled('info')) return;
      // They change when the request is tried again.
      const { id, policy, matchRatio } = record;
      const atLeast = matchRatioMin;
      if (!isByPrefix(policy, matchRatio, atLeast) || !sampled(id)) return;
      writeLine('info', () => ({ request: id, 'matching ratio': ratioText(policy, matchRatio, atLeast) }), 'Do prefix-aware routing!');
    },

    retried(record, reason) {
      // Engines close idle connections all the time, so a stale one is no news.
      const level = reason === 'stale' ? 'debug' : 'info';
      if (!logger.isLevelEnabled(level)) return;
      logger[level]({ request: record.id, pool: record.pool, endpoint: record.endpoint, reason }, 'retry');
    },

    ended(record) {
      const wentWell = record.outcome === 'complete' || record.outcome === 'client_gone';
      const level = wentWell ? 'info' : 'warn';
      if (!logger.isLevelEnabled(level)) return;
      if (wentWell && !sampled(record.id)) return;
      writeLine(level, () => requestFields(record), 'request');
    },
  };
}

/** Whether a prefix made the choice. */
function isByPrefix(policy: string, matchRatio: number, matchRatioMin: number): boolean {
  return policy === 'prefix-cost' ? matchRatio > 0 : policy === 'prefix-threshold' && matchRatio > matchRatioMin;
}

/** The matching ratio as logged: the space in front belongs to it. */
function ratioText(policy: string, matchRatio: number, matchRatioMin: number): string {
  return policy === 'prefix-cost' ? ` ${matchRatio.toFixed(2)}` : ` ${matchRatio.toFixed(2)} > ${matchRatioMin.toFixed(2)}`;
}

/** What is undefined does not appear in the line. */
function requestFields(record: RequestRecord) {
  return {
    id: record.id,
    trace_id: record.traceId === '' ? undefined : record.traceId,
    listener: record.listener,
    surface: record.surface,
    client: record.client === '' ? undefined : record.client,
    model: record.model,
    pool: record.pool,
    endpoint: record.endpoint,
    policy: record.policy,
    match_ratio: round(record.matchRatio, 1000),
    predicted_cached_tokens: Math.round(record.predictedCachedTokens),
    reported_cached_tokens: record.reportedCachedTokens,
    prompt_tokens: record.reportedPromptTokens ?? Math.round(record.promptTokens),
    completion_tokens: record.completionTokens,
    ttft_ms: record.timeToFirstTokenMs === undefined ? undefined : round(record.timeToFirstTokenMs, 10),
    duration_ms: round(record.durationMs, 10),
    attempts: record.attempts,
    status: record.status,
    outcome: record.outcome,
    reason: record.reason,
  };
}

function round(value: number, steps: number): number {
  return Math.round(value * steps) / steps;
}
