// attempts.ts: the attempts under way, by number: what crosses the seam is plain data, so it names them and nothing more.

import type { Endpoint } from '../pool/endpoint.ts';
import type { Lease } from '../pool/lease.ts';
import type { Account } from './account.ts';

export interface AttemptState {
  readonly endpoint: Endpoint;
  readonly lease: Lease;
  /** Undefined for what is forwarded unread. */
  readonly account: Account | undefined;
  /** Its number in the ring of choices; 0 for what is forwarded unread. */
  readonly choice: number;
  readonly sentMs: number;
}

const SLOTS_MAX = 2 ** 24;
const USES_MAX = 2 ** 28;

/**
 * Not a Map: the tables that a Map tidies point on to the next one, so that one of them in old space keeps everything alive that was
 * added since. With the sweep's members that was 3.5 KB a request until the next full collection (bench/proxy).
 */
export class Attempts {
  readonly #slots: (AttemptState | undefined)[] = [];
  /** The attempt that has each slot, or had it last. */
  readonly #numbers: number[] = [];
  readonly #free: number[] = [];
  #uses = 0;

  get size(): number {
    return this.#slots.length - this.#free.length;
  }

  add(state: AttemptState): number {
    const slot = this.#free.pop() ?? this.#slots.length;
    this.#uses = (this.#uses + 1) % USES_MAX;
    const attempt = slot + SLOTS_MAX * this.#uses;
    this.#slots[slot] = state;
    this.#numbers[slot] = attempt;
    return attempt;
  }

  get(attempt: number): AttemptState | undefined {
    const slot = attempt % SLOTS_MAX;
    return this.#numbers[slot] === attempt ? this.#slots[slot] : undefined;
  }

  /** The state is gone afterwards. */
  take(attempt: number): AttemptState | undefined {
    const state = this.get(attempt);
    if (state === undefined) return undefined;
    const slot = attempt % SLOTS_MAX;
    this.#slots[slot] = undefined;
    this.#free.push(slot);
    return state;
  }
}
