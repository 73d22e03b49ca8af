// options.ts: what a client listener is given.

import type { ForwardDeps } from '../proxy/forward.ts';

export interface ClientListenerOptions {
  readonly name: string;
  readonly bodyBytesMax: number;
  readonly forward: ForwardDeps;
  readonly connectMs: number;
  /** What `GET /v1/models` lists. */
  readonly servedModels: () => readonly string[];
  /** When the process started, in seconds since 1970: the age of the models, as far as clients are concerned. */
  readonly startedS: number;
  readonly healthy: () => boolean;
  /** No longer ready: answers ask clients to connect anew, elsewhere. */
  readonly leaving: () => boolean;
}
