// metrics-models.ts: what was learned about each model, read when somebody scrapes.

import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';

import type { ModelStatus } from '../core/status.ts';
import { modelLabels } from './model-label.ts';

/** Registers the series of models; the function given back sets them to what the statuses say. Models beyond the limit have none. */
export function countModels(registry: Registry, modelsMax: number): (statuses: readonly ModelStatus[]) => void {
  const modelLabel = modelLabels(modelsMax);
  const bytesPerToken = new Gauge({
    name: 'warmroute_bytes_per_token',
    help: "Bytes of a prompt for each token, learned from the engines' counts.",
    labelNames: ['model'],
    registers: [registry],
  });
  return (statuses) => {
    bytesPerToken.reset();
    for (const status of statuses) if (modelLabel(status.id) === status.id) bytesPerToken.set({ model: status.id }, status.bytesPerToken);
  };
}
