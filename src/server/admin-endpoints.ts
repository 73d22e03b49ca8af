// admin-endpoints.ts: live state as JSON. The keys are an interface for scripts, so they are written out and not derived.

import type { EndpointStatus } from '../core/status.ts';

export function endpointsAnswer(version: string, statuses: readonly EndpointStatus[]) {
  return {
    version,
    summary: {
      endpoints: statuses.length,
      available: statuses.filter((status) => status.available).length,
      in_flight: statuses.reduce((sum, status) => sum + status.inFlight, 0),
    },
    endpoints: statuses.map(endpointAnswer),
  };
}

function endpointAnswer(status: EndpointStatus) {
  const { index, load, reported } = status;
  return {
    id: status.id,
    pool: status.pool,
    available: status.available,
    unavailable_because: status.unavailableBecause,
    models: status.models,
    in_flight: status.inFlight,
    queued_prompt_tokens: status.queuedPromptTokens,
    ejections: status.ejections,
    index: { tokens: index.tokens, capacity_tokens: index.capacityTokens, blocks: index.blocks, bytes: index.bytes },
    load: load === undefined ? null : {
      age_ms: Math.round(load.ageMs),
      running: load.running,
      waiting: load.waiting,
      kv_usage: load.kvUsage,
      block_size: load.blockSize ?? null,
    },
    reported: {
      prompt_tokens: reported.promptTokens,
      predicted_cached_tokens: reported.predictedCachedTokens,
      cached_tokens: reported.cachedTokens,
      error_tokens: reported.errorTokens,
    },
  };
}
