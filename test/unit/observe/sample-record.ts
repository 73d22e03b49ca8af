// sample-record.ts: one finished request and one endpoint, for the tests of this room.

import type { RequestRecord } from '../../../src/core/record.ts';
import type { EndpointStatus, ModelStatus } from '../../../src/core/status.ts';

export function sampleRecord(changes: Partial<RequestRecord> = {}): RequestRecord {
  return {
    id: 'req-1',
    traceId: '0af7651916cd43dd8448eb211c80319c',
    listener: 'prefix',
    surface: 'chat',
    client: '',
    model: 'qwen',
    policy: 'prefix-cost',
    pool: 'default',
    endpoint: '10.0.0.11:8000',
    attempts: 1,
    matchRatio: 390 / 718,
    promptTokens: 180,
    predictedCachedTokens: 96,
    choiceDurationMs: 0.04,
    reportedPromptTokens: 200,
    reportedCachedTokens: 112,
    completionTokens: 10,
    timeToFirstTokenMs: 31.26,
    durationMs: 420.04,
    status: 200,
    outcome: 'complete',
    reason: '',
    ...changes,
  };
}

export function sampleStatus(changes: Partial<EndpointStatus> = {}): EndpointStatus {
  return {
    id: '10.0.0.11:8000',
    pool: 'default',
    available: true,
    unavailableBecause: '',
    drainingBy: [],
    models: ['qwen'],
    inFlight: 3,
    queuedPromptTokens: 1200,
    ejections: 2,
    index: { tokens: 5000, capacityTokens: 400_000, toldCapacityTokens: 500_000, blocks: 120, bytes: 65_536, forgets: 1, corrections: 3 },
    load: { ageMs: 249.8, running: 4, waiting: 1, kvUsage: 0.25, blockSize: undefined },
    reported: { answers: 5, promptTokens: 900, predictedCachedTokens: 640, cachedTokens: 600, errorTokens: 48, errorRatio: 48 / 900, recentErrorRatio: 0.0625 },
    ...changes,
  };
}

export function sampleModel(changes: Partial<ModelStatus> = {}): ModelStatus {
  return { id: 'qwen', bytesPerToken: 3.6, messageTokens: 5, meanAnswerTokens: 128.4, answersAreReused: true, ...changes };
}
