// new-record.ts: the record of a request of which nothing is known yet.

import type { RequestRecord } from '../core/record.ts';

export function newRecord(id: string, listener: string, surface: RequestRecord['surface'], client: string, traceId: string): RequestRecord {
  return {
    id,
    traceId,
    listener,
    surface,
    client,
    model: '',
    policy: '',
    pool: '',
    endpoint: '',
    attempts: 0,
    matchRatio: 0,
    promptTokens: 0,
    predictedCachedTokens: 0,
    choiceDurationMs: 0,
    reportedPromptTokens: undefined,
    reportedCachedTokens: undefined,
    completionTokens: undefined,
    timeToFirstTokenMs: undefined,
    durationMs: 0,
    status: 0,
    outcome: 'error',
    reason: '',
  };
}
