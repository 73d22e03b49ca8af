// availability.ts: whether an endpoint may get a new request.

import type { Endpoint } from './endpoint.ts';

export type UnavailableReason = 'unhealthy' | 'ejected' | 'draining' | 'model' | 'full';

/**
 * The first reason why the endpoint cannot take a request for the model, undefined when it can.
 *
 * Not probed yet is unhealthy: the first probe is on its way. Without a model any endpoint serves.
 */
export function unavailableBecause(endpoint: Endpoint, model: string | undefined): UnavailableReason | undefined {
  if (endpoint.health !== 'healthy') return 'unhealthy';
  if (endpoint.ejectedUntilProbe) return 'ejected';
  if (endpoint.draining) return 'draining';
  if (model !== undefined && !endpoint.serves(model)) return 'model';
  if (endpoint.inFlight >= endpoint.settings.inFlightMax) return 'full';
  return undefined;
}

/** Who may take a request for a model now. */
export interface Available {
  readonly endpoints: readonly Endpoint[];
  /** How many are left out for nothing but being full: to wait for. */
  readonly full: number;
}

/** Without a model any endpoint serves. */
export function availableOf(endpoints: readonly Endpoint[], model: string | undefined, _nowMs: number): Available {
  const reasons = endpoints.map((endpoint) => unavailableBecause(endpoint, model));
  return { endpoints: endpoints.filter((_, i) => reasons[i] === undefined), full: reasons.filter((reason) => reason === 'full').length };
}
