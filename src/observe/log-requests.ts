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

/** A line with at least one field, whose level is enabled. */
export type WriteLine = (level: 'info' | 'warn', fields: object, message: string) => void;

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
      const matchingRatio = ratioThatChose(record, matchRatioMin);
      if (matchingRatio === undefined || !sampled(record.id)) return;
      writeLine('info', { request: record.id, 'matching ratio': matchingRatio }, 'Do prefix-aware routing!');
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
      writeLine(level, requestFields(record), 'request');
    },
  };
}

/** The matching ratio as logged (the space in front belongs to it), or undefined when no prefix made the choice. */
function ratioThatChose(record: RequestRecord, matchRatioMin: number): string | undefined {
  const { policy, matchRatio } = record;
  if (policy === 'prefix-cost' && matchRatio > 0) return ` ${matchRatio.toFixed(2)}`;
  if (policy === 'prefix-threshold' && matchRatio > matchRatioMin) return ` ${matchRatio.toFixed(2)} > ${matchRatioMin.toFixed(2)}`;
  return undefined;
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
