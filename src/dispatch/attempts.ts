// attempts.ts: the attempts under way, by number: what crosses the seam is plain data, so it names them and nothing more.

import type { Endpoint } from '../pool/endpoint.ts';
import type { Lease } from '../pool/lease.ts';
import type { Account } from './account.ts';

export interface AttemptState {
  readonly endpoint: Endpoint;
  readonly lease: Lease;
  /** Undefined for what is forwarded unread. */
  readonly account: Account | undefined;
}

export class Attempts {
  readonly #states = new Map<number, AttemptState>();
  #next = 1;

  get size(): number {
    return this.#states.size;
  }

  add(state: AttemptState): number {
    this.#states.set(this.#next, state);
    return this.#next++;
  }

  get(attempt: number): AttemptState | undefined {
    return this.#states.get(attempt);
  }

  /** The state is gone afterwards. */
  take(attempt: number): AttemptState | undefined {
    const state = this.#states.get(attempt);
    this.#states.delete(attempt);
    return state;
  }
}
