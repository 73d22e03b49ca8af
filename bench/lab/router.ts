// router.ts: what a run needs of a router: the decision, and ears for what it would learn of its endpoints in other ways.

import type { Dispatcher } from '../../src/core/dispatcher.ts';

/** What one scrape of a replica shows. */
export interface ReplicaLoad {
  readonly running: number;
  readonly waiting: number;
  readonly kvUsage: number;
  readonly capacityTokens: number;
  readonly prefixQueries: number;
  readonly prefixHits: number;
  /** Changes with every start. */
  readonly process: number;
}

export interface Router {
  readonly dispatcher: Dispatcher;
  /** Between two scrapes; undefined when it does not scrape. */
  readonly scrapeEveryS: number | undefined;
  /** The number of the replica behind an endpoint's id. */
  replicaOf(endpointId: string): number;
  /** A replica is there, for the first time or again, and healthy. */
  up(replica: number): void;
  scraped(replica: number, load: ReplicaLoad): void;
}

export interface RouterOptions {
  readonly nowMs: () => number;
  readonly seed: number;
  /** Tokens that one replica's cache holds. */
  readonly capacityTokens: number;
}

