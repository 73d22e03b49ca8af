// lease.ts: the only way in which an endpoint's in-flight counter moves.

import type { Endpoint } from './endpoint.ts';

export interface Lease {
  /** Takes the weight off the counter again. A second call throws and changes nothing: the caller has lost track of an attempt. */
  return(): void;
}

/** Counts one attempt, as heavy as the sequences that the engine will run for it. `weight` is a positive integer. */
export function takeLease(endpoint: Endpoint, weight: number): Lease {
  if (!Number.isSafeInteger(weight) || weight < 1) throw new RangeError(`Cannot take a lease as 'weight' must be a positive integer: current value is ${weight}`);
  const trial = endpoint.take(weight);
  let returned = false;
  return {
    return() {
      if (returned) throw new Error(`Lease on ${endpoint.address.id} returned twice`);
      returned = true;
      endpoint.giveBack(weight, trial);
    },
  };
}
