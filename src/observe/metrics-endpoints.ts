// metrics-endpoints.ts: the series of each endpoint, read from its live state when somebody scrapes.

import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';

import type { EndpointStatus } from '../core/status.ts';

const LABELS = ['pool', 'endpoint'] as const;

interface Series {
  readonly name: string;
  readonly help: string;
  /** Undefined: no series, because nothing is known. */
  readonly value: (status: EndpointStatus) => number | undefined;
}

const GAUGES: readonly Series[] = [
  { name: 'warmroute_in_flight_requests', help: 'Requests outstanding at the endpoint.', value: (s) => s.inFlight },
  {
    name: 'warmroute_queued_prompt_tokens',
    help: 'Estimated uncached prompt tokens of requests whose first token has not come.',
    value: (s) => s.queuedPromptTokens,
  },
  { name: 'warmroute_endpoint_available', help: '1 when the endpoint can be chosen, else 0.', value: (s) => (s.available ? 1 : 0) },
  { name: 'warmroute_prefix_index_tokens', help: 'Tokens that the endpoint is estimated to hold.', value: (s) => s.index.tokens },
  {
    name: 'warmroute_prefix_index_capacity_tokens',
    help: "Tokens that the endpoint's KV cache is thought to have room for.",
    value: (s) => s.index.capacityTokens,
  },
  {
    name: 'warmroute_prefix_index_told_capacity_tokens',
    help: "Tokens that the endpoint's KV cache has room for by configuration or by what the engine says.",
    value: (s) => s.index.toldCapacityTokens,
  },
  {
    name: 'warmroute_recent_prediction_error_ratio',
    help: 'Absolute difference between predicted and reported cached tokens as a share of prompt tokens, over recent answers.',
    value: (s) => s.reported.recentErrorRatio,
  },
  { name: 'warmroute_prefix_index_bytes', help: "Memory of the endpoint's prefix index.", value: (s) => s.index.bytes },
];

const COUNTERS: readonly Series[] = [
  {
    name: 'warmroute_prompt_tokens_total',
    help: 'Prompt tokens of answers that reported their cached tokens.',
    value: (s) => s.reported.promptTokens,
  },
  {
    name: 'warmroute_predicted_cached_tokens_total',
    help: 'Cached tokens that were predicted for answers that reported theirs.',
    value: (s) => s.reported.predictedCachedTokens,
  },
  { name: 'warmroute_reported_cached_tokens_total', help: 'Cached tokens that answers reported.', value: (s) => s.reported.cachedTokens },
  {
    name: 'warmroute_prediction_error_tokens_total',
    help: 'Sum of the absolute differences between predicted and reported cached tokens.',
    value: (s) => s.reported.errorTokens,
  },
  { name: 'warmroute_prefix_index_forgets_total', help: "Times that the endpoint's cache was found or known to be empty.", value: (s) => s.index.forgets },
  {
    name: 'warmroute_prefix_index_capacity_corrections_total',
    help: "Times that the size of the endpoint's cache was corrected by what it reported.",
    value: (s) => s.index.corrections,
  },
  { name: 'warmroute_ejections_total', help: 'Times that outlier detection took the endpoint out.', value: (s) => s.ejections },
];

/**
 * Registers the series of endpoints; the function given back sets them to what the statuses say.
 *
 * Nothing is counted here, so requests pay nothing for it, and an endpoint that is gone takes its series with it.
 */
export function countEndpoints(registry: Registry): (statuses: readonly EndpointStatus[]) => void {
  const gauges = GAUGES.map(({ name, help, value }) => ({ metric: new Gauge({ name, help, labelNames: LABELS, registers: [registry] }), value }));
  const counters = COUNTERS.map(({ name, help, value }) => ({ metric: new Counter({ name, help, labelNames: LABELS, registers: [registry] }), value }));

  return (statuses) => {
    for (const { metric } of gauges) metric.reset();
    for (const { metric } of counters) metric.reset();
    for (const status of statuses) {
      const labels = { pool: status.pool, endpoint: status.id };
      for (const { metric, value } of gauges) {
        const known = value(status);
        if (known !== undefined) metric.set(labels, known);
      }
      for (const { metric, value } of counters) metric.inc(labels, value(status) ?? 0);
    }
  };
}
