// options.ts: what a client listener is given.

import type { buildConnector } from 'undici';
import type { ForwardDeps } from '../proxy/forward.ts';
import type { GateOptions } from './gate.ts';
import type { BodyTotal } from './body-total.ts';

export interface ClientListenerOptions extends GateOptions {
  readonly name: string;
  readonly bodyBytesMax: number;
  /** Of all bodies that are held, those of other listeners included. */
  readonly bodyBytesTotalMax: number;
  readonly bodies: BodyTotal;
  /** For the whole of a request to arrive. */
  readonly clientBodyMs: number;
  /** Connections of clients to this listener; undefined is without a limit. */
  readonly connectionsMax: number | undefined;
  /** Whether a peer's word is taken on whom it forwards for. */
  readonly isTrustedProxy: (address: string) => boolean;
  /** Origins whose pages may read answers. */
  readonly corsOrigins: ReadonlySet<string>;
  /** Answers say where they came from and why. */
  readonly debugHeaders: boolean;
  readonly forward: ForwardDeps;
  /** Opens connections to endpoints. */
  readonly connect: buildConnector.connector;
  /** What `GET /v1/models` lists. */
  readonly servedModels: () => readonly string[];
  /** When the process started, in seconds since 1970: the age of the models, as far as clients are concerned. */
  readonly startedS: number;
  readonly healthy: () => boolean;
  /** No longer ready: answers ask clients to connect anew, elsewhere. */
  readonly leaving: () => boolean;
}
