// estimates.ts: the estimates of all endpoints, and what they share.

import { SharedBlocks } from '../prefix/shared-blocks.ts';
import type { Endpoint } from '../pool/endpoint.ts';
import { Account, type AccountTerms } from './account.ts';
import { Estimate, type EstimateEvents } from './estimate.ts';
import { LearnedModel } from './learned-model.ts';
import type { DispatchSettings } from './settings.ts';

/** About 36 bytes each, evicted ones that are remembered included; what is beyond is not known to be shared. */
const SHARED_BLOCKS_MAX = 8_000_000;
const BRANCHES_HALVED_EVERY_MS = 600_000;

export class Estimates {
  #prefix: DispatchSettings['prefix'];
  readonly #events: EstimateEvents;
  readonly #byEndpoint = new Map<Endpoint, Estimate>();
  readonly #models = new Map<string, LearnedModel>();
  readonly #shared = new SharedBlocks(SHARED_BLOCKS_MAX);
  #halvedMs: number | undefined;
  #holders = 0;

  constructor(prefix: DispatchSettings['prefix'], events: EstimateEvents = { onComplaint() {} }) {
    this.#prefix = prefix;
    this.#events = events;
  }

  /** Other assumptions. What was learned stays: `bytesPerToken` is for models that nobody has asked for yet. */
  reconfigure(prefix: DispatchSettings['prefix']): void {
    this.#prefix = prefix;
  }

  of(endpoint: Endpoint): Estimate {
    let estimate = this.#byEndpoint.get(endpoint);
    if (estimate === undefined) {
      estimate = new Estimate(endpoint, this.#prefix.kvCacheTokens, this.#shared, this.#holders++, this.#events);
      this.#byEndpoint.set(endpoint, estimate);
    }
    estimate.refresh(this.#prefix.kvCacheTokens);
    return estimate;
  }

  /** It was scraped. */
  noteSample(endpoint: Endpoint): void {
    this.#byEndpoint.get(endpoint)?.noteSample();
  }

  /** Its cache is empty: nothing that was believed about it holds. */
  forget(endpoint: Endpoint): void {
    this.#byEndpoint.get(endpoint)?.forget();
  }

  /** It is gone for good. */
  drop(endpoint: Endpoint): void {
    this.forget(endpoint);
    this.#byEndpoint.delete(endpoint);
  }

  /** By the names that endpoints serve them by. */
  get models(): ReadonlyMap<string, LearnedModel> {
    return this.#models;
  }

  /** Under the name that endpoints serve it by, so the set is bounded. */
  model(name: string): LearnedModel {
    let learned = this.#models.get(name);
    if (learned === undefined) {
      learned = new LearnedModel(this.#prefix.bytesPerToken);
      this.#models.set(name, learned);
    }
    return learned;
  }

  /** What is known of blocks wherever they are, with what is old faded. */
  sharedAt(nowMs: number): SharedBlocks {
    this.#halvedMs ??= nowMs;
    if (nowMs - this.#halvedMs >= BRANCHES_HALVED_EVERY_MS) {
      this.#shared.halve();
      this.#halvedMs = nowMs;
    }
    return this.#shared;
  }

  /** Opens the account of an attempt. */
  open(estimate: Estimate, terms: AccountTerms): Account {
    return new Account(estimate, this.#shared, terms);
  }
}
