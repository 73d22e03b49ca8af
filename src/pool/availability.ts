// availability.ts: whether an endpoint may get a new request.

import type { Endpoint } from './endpoint.ts';

export type UnavailableReason = 'unhealthy' | 'ejected' | 'trial' | 'asleep' | 'paused' | 'draining' | 'model' | 'full';

/**
 * The first reason why the endpoint cannot take a request for the model, undefined when it can.
 *
 * Not probed yet is unhealthy: the first probe is on its way. `trial`: it is on trial, and has its one request. Without a model any endpoint
 * serves. With `panics`, an ejection by errors is no reason.
 */
export function unavailableBecause(endpoint: Endpoint, model: string | undefined, nowMs: number, panics = false): UnavailableReason | undefined {
  if (endpoint.health !== 'healthy') return 'unhealthy';
  if (endpoint.ejectedUntilProbe) return 'ejected';
  const state = endpoint.ejectionAt(nowMs);
  if (state !== 'in' && !(panics && endpoint.ejectedBecause === 'errors')) {
    if (state === 'ejected') return 'ejected';
    if (endpoint.trialTaken) return 'trial';
  }
  if (endpoint.halted !== undefined) return endpoint.halted;
  if (endpoint.draining) return 'draining';
  if (model !== undefined && !endpoint.serves(model)) return 'model';
  if (endpoint.inFlight >= endpoint.settings.inFlightMax) return 'full';
  return undefined;
}

/** Who may take a request for a model now. */
export interface Available {
  readonly endpoints: readonly Endpoint[];
  /** Too few of those that serve the model are well, so ejections by errors were ignored. */
  readonly panics: boolean;
}

/** Sums of ratios such as 0.1 are a little more or less than they should be. */
const ROUNDING = 1e-9;

/** Without a model any endpoint serves. Of 64 endpoints that are all available, which is usual: 2 µs, and no array. */
export function availableOf(endpoints: readonly Endpoint[], model: string | undefined, nowMs: number): Available {
  const available = select(endpoints, model, nowMs, false);
  const panics = available.endpoints !== endpoints && isInPanic(endpoints, model);
  return panics ? select(endpoints, model, nowMs, true) : available;
}

/**
 * Whether too few of the endpoints that serve the model, and do not drain, are well for ejections by errors to count.
 *
 * One that is full is well, one that is on trial is not.
 */
export function isInPanic(endpoints: readonly Endpoint[], model: string | undefined): boolean {
  let wanted = 0;
  let well = 0;
  for (let i = 0; i < endpoints.length; i += 1) {
    const endpoint = endpoints[i]!;
    if (endpoint.draining || (model !== undefined && !endpoint.serves(model))) continue;
    wanted += endpoint.settings.panicRatio;
    if (isWell(endpoint)) well += 1;
  }
  return well < wanted - ROUNDING;
}

function isWell(endpoint: Endpoint): boolean {
  return endpoint.health === 'healthy' && !endpoint.ejectedUntilProbe && endpoint.ejectedBecause === undefined && endpoint.halted === undefined;
}

/** Gives the very array it was given when all are available. */
function select(endpoints: readonly Endpoint[], model: string | undefined, nowMs: number, panics: boolean): Available {
  let left: Endpoint[] | undefined;
  for (let i = 0; i < endpoints.length; i += 1) {
    const endpoint = endpoints[i]!;
    const because = unavailableBecause(endpoint, model, nowMs, panics);
    if (because === undefined) left?.push(endpoint);
    else left ??= endpoints.slice(0, i);
  }
  return { endpoints: left ?? endpoints, panics };
}
