// shedding.ts: when requests that give way to others are refused.

import type { Endpoint } from '../pool/endpoint.ts';

/** Share of the KV cache in use by running requests above which a new one is likely to wait or to push another out. */
const KV_FULL_RATIO = 0.95;

/** Whether each of these has requests waiting in its engine, or its KV cache full, by its last load sample. */
export function shedsLoad(endpoints: readonly Endpoint[]): boolean {
  return endpoints.every(({ samples }) => {
    const sample = samples.at(-1);
    return sample !== undefined && ((sample.waiting ?? 0) > 0 || (sample.kvUsage ?? 0) >= KV_FULL_RATIO);
  });
}
