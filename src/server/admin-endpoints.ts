// admin-endpoints.ts: live state as JSON. The keys are an interface for scripts, so they are written out and not derived.

import type { EndpointStatus, ModelStatus } from '../core/status.ts';

export function endpointsAnswer(version: string, statuses: readonly EndpointStatus[], models: readonly ModelStatus[], waiting: number) {
  return {
    version,
    summary: {
      endpoints: statuses.length,
      available: statuses.filter((status) => status.available).length,
      in_flight: statuses.reduce((sum, status) => sum + status.inFlight, 0),
      waiting,
    },
    endpoints: statuses.map(endpointAnswer),
    models: models.map(modelAnswer),
  };
}

export function endpointAnswer(status: EndpointStatus) {
  const { index, load, reported } = status;
  return {
    id: status.id,
    pool: status.pool,
    available: status.available,
    unavailable_because: status.unavailableBecause,
    draining_by: status.drainingBy,
    models: status.models,
    in_flight: status.inFlight,
    queued_prompt_tokens: status.queuedPromptTokens,
    ejections: status.ejections,
    index: {
      tokens: index.tokens,
      capacity_tokens: index.capacityTokens,
      told_capacity_tokens: index.toldCapacityTokens ?? null,
      blocks: index.blocks,
      bytes: index.bytes,
      forgets: index.forgets,
      corrections: index.corrections,
    },
    load: load === undefined ? null : {
      age_ms: Math.round(load.ageMs),
      running: load.running,
      waiting: load.waiting,
      kv_usage: load.kvUsage,
      block_size: load.blockSize ?? null,
    },
    reported: {
      answers: reported.answers,
      prompt_tokens: reported.promptTokens,
      predicted_cached_tokens: reported.predictedCachedTokens,
      cached_tokens: reported.cachedTokens,
      error_tokens: reported.errorTokens,
      error_ratio: rounded(reported.errorRatio),
      recent_error_ratio: rounded(reported.recentErrorRatio),
    },
  };
}

function modelAnswer(model: ModelStatus) {
  return {
    id: model.id,
    bytes_per_token: rounded(model.bytesPerToken),
    message_tokens: rounded(model.messageTokens),
    mean_answer_tokens: rounded(model.meanAnswerTokens),
    answers_are_reused: model.answersAreReused,
  };
}

/** To what people can read. */
function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
