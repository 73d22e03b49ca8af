// metrics.ts: everything that is counted, as Prometheus text.

import { Counter, Gauge, Registry } from 'prom-client';

import type { RequestObserver } from '../core/record.ts';
import type { EndpointStatus, ModelStatus } from '../core/status.ts';
import { countEndpoints } from './metrics-endpoints.ts';
import { countModels } from './metrics-models.ts';
import { countProcess } from './metrics-process.ts';
import { countRequests } from './metrics-requests.ts';

export interface MetricsOptions {
  readonly version: string;
  /** Different values of the label `model`; later ones become `other`. */
  readonly modelsMax: number;
  readonly endpointStatuses: () => readonly EndpointStatus[];
  readonly modelStatuses: () => readonly ModelStatus[];
  /** Requests that wait for a slot, and the bytes of their bodies. */
  readonly waiting: () => { readonly requests: number; readonly bytes: number };
}

export interface Metrics extends RequestObserver {
  readonly contentType: string;
  configReloaded(result: 'ok' | 'failed'): void;
  text(): Promise<string>;
}

/** Has a registry of its own, so two routers in one process, as in tests, do not mix their numbers. */
export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const readEndpoints = countEndpoints(registry);
  const readModels = countModels(registry, options.modelsMax);
  countProcess(registry);
  new Gauge({
    name: 'warmroute_build_info',
    help: 'Always 1; the version is in the label.',
    labelNames: ['version'],
    registers: [registry],
  }).set({ version: options.version }, 1);

  const reloads = new Counter({
    name: 'warmroute_config_reloads_total',
    help: 'Reloads of the configuration; after a failed one the configuration before it stays.',
    labelNames: ['result'],
    registers: [registry],
  });
  for (const result of ['ok', 'failed']) reloads.inc({ result }, 0);
  const requests = countRequests(registry, options.modelsMax);
  const queueRequests = new Gauge({ name: 'warmroute_queue_requests', help: 'Requests that wait for a slot.', registers: [registry] });
  const queueBytes = new Gauge({ name: 'warmroute_queue_bytes', help: 'Size of the bodies of requests that wait for a slot.', registers: [registry] });

  return {
    ...requests,
    contentType: registry.contentType,
    configReloaded: (result) => reloads.inc({ result }),
    text() {
      requests.flush();
      readEndpoints(options.endpointStatuses());
      readModels(options.modelStatuses());
      const waiting = options.waiting();
      queueRequests.set(waiting.requests);
      queueBytes.set(waiting.bytes);
      return registry.metrics();
    },
  };
}
