// settings.ts: what the decision is told by the configuration.

import type { PolicyName } from '../core/policy-name.ts';
import type { Criticality } from '../core/request.ts';
import type { QueueLimits } from './queue.ts';
import type { RetryBudgetLimits } from './retry-budget.ts';

export interface ListenerRule {
  readonly name: string;
  readonly policy: PolicyName;
  /** Whether its requests are recorded in the prefix index. */
  readonly record: boolean;
}

/** One of the places that serve a model. */
export interface Target {
  /** Undefined: any pool. */
  readonly pool: string | undefined;
  /** The model's name there. */
  readonly model: string;
  readonly weight: number;
}

export interface ModelRoute {
  readonly name: string;
  readonly criticality: Criticality;
  readonly targets: readonly Target[];
}

export interface DispatchSettings {
  readonly listeners: readonly ListenerRule[];
  /** Empty: the names that the endpoints report. */
  readonly models: readonly ModelRoute[];
  readonly prefix: {
    /** Of an endpoint that neither configures nor reports it. */
    readonly kvCacheTokens: number | 'auto';
    readonly bytesPerToken: number;
    readonly matchRatioMin: number;
    /** Of a target's endpoints, at least one: so many may one tenant's requests go to. */
    readonly tenantEndpointsRatio: number;
  };
  readonly admission: QueueLimits & {
    /** Requests in flight in the whole router. */
    readonly inFlightMax: number;
  };
  readonly retry: RetryBudgetLimits;
}
