// metrics-requests.ts: what is counted when a request ends. Runs once a request, so it makes no series that it does not need.

import { Counter } from 'prom-client';
import type { Registry } from 'prom-client';

import type { RefusalReason } from '../core/dispatcher.ts';
import type { RequestObserver, RequestRecord } from '../core/record.ts';
import { Batch } from './batch.ts';
import { modelLabels } from './model-label.ts';
import { countEnd, RequestTallies } from './request-tallies.ts';

const REFUSAL_REASONS: ReadonlySet<string> = new Set<RefusalReason | 'bodies_too_large'>(['overloaded', 'no_endpoint_available', 'model_not_ready', 'bodies_too_large']);

export interface RequestCounts extends RequestObserver {
  /** Counts what has not been counted yet: before the registry is read. */
  flush(): void;
}

/** Registers the series of requests and counts into them: into series that are kept rather than looked up by a hash of their labels. */
export function countRequests(registry: Registry, modelsMax: number): RequestCounts {
  const modelLabel = modelLabels(modelsMax);
  const rare = rareSeries(registry);
  const tallies = new RequestTallies(registry);

  function count(record: RequestRecord): void {
    const { outcome } = record;
    const tally = tallies.of(modelLabel(record.model), record.listener, record.policy === '' ? 'none' : record.policy);
    countEnd(tally, outcome, record.status);
    tally.duration.observe(record.durationMs / 1000);
    if (record.timeToFirstTokenMs !== undefined) tally.timeToFirstToken.observe(record.timeToFirstTokenMs / 1000);
    if (outcome === 'shed') rare.shed.inc({ reason: shedReason(record.reason) });
    if (record.attempts > 0) {
      tally.choiceDuration.observe(record.choiceDurationMs / 1000);
      if (hasPrompt(record)) tally.listener.matchRatio.observe(record.matchRatio);
    }
    if (outcome === 'complete' && hasPrompt(record)) {
      tally.listener.promptTokens += record.reportedPromptTokens ?? record.promptTokens;
      tally.listener.notRecomputed += record.reportedCachedTokens ?? record.predictedCachedTokens;
    }
  }

  const ended = new Batch(count);
  return {
    chosen() {},
    retried(_record, reason) {
      rare.retries.inc({ reason });
    },
    ended: (record) => ended.add(record),
    flush: () => ended.flush(),
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

/** What is rare. */
function rareSeries(registry: Registry) {
  const perReason = { labelNames: ['reason'] as const, registers: [registry] };
  return {
    retries: new Counter({ name: 'warmroute_retries_total', help: 'Attempts that were repeated elsewhere.', ...perReason }),
    shed: new Counter({ name: 'warmroute_shed_total', help: 'Requests that were refused to protect the others.', ...perReason }),
  };
}
