// status.ts: the live state of every endpoint, as data for operators.

import type { EndpointStatus, ModelStatus } from '../core/status.ts';
import { unavailableBecause } from '../pool/availability.ts';
import type { Endpoint } from '../pool/endpoint.ts';
import type { Estimates } from './estimates.ts';

export function endpointStatuses(endpoints: readonly Endpoint[], estimates: Estimates, nowMs: number): EndpointStatus[] {
  return endpoints.map((endpoint) => {
    const estimate = estimates.of(endpoint);
    const because = unavailableBecause(endpoint, undefined, nowMs) ?? '';
    const sample = endpoint.samples.at(-1);
    return {
      id: endpoint.address.id,
      pool: endpoint.address.pool,
      available: because === '',
      unavailableBecause: because,
      drainingBy: [...(endpoint.drainedByAdmin ? (['admin'] as const) : []), ...(endpoint.unnamed ? (['source'] as const) : [])],
      models: (endpoint.models ?? []).map((model) => model.id),
      inFlight: endpoint.inFlight,
      queuedPromptTokens: Math.round(estimate.queuedTokens),
      ejections: endpoint.ejections,
      index: {
        tokens: estimate.index.tokens,
        capacityTokens: Math.round(estimate.index.capacityTokens),
        toldCapacityTokens: estimate.toldTokens,
        blocks: estimate.index.blocks,
        bytes: estimate.index.bytes,
        forgets: estimate.forgets,
        corrections: estimate.corrections,
      },
      load:
        sample === undefined
          ? undefined
          : { ageMs: nowMs - sample.atMs, running: sample.running ?? 0, waiting: sample.waiting ?? 0, kvUsage: sample.kvUsage ?? 0, blockSize: sample.blockSize },
      reported: { ...estimate.accuracy.totals, errorRatio: estimate.accuracy.errorRatio, recentErrorRatio: estimate.accuracy.recentErrorRatio },
    };
  });
}

export function modelStatuses(estimates: Estimates): ModelStatus[] {
  return [...estimates.models].map(([id, { tokens, meanAnswerTokens, answersAreReused }]) => ({
    id,
    bytesPerToken: 1 / tokens.tokensPerByte,
    messageTokens: tokens.messageTokens,
    meanAnswerTokens,
    answersAreReused,
  }));
}
