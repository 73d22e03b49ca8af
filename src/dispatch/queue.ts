// queue.ts: requests that wait for a slot: in arrival order within criticality, bounded in number, bytes and time. Holds requests, not endpoints.

import type { Ask, Settled } from '../core/dispatcher.ts';
import type { Criticality } from '../core/request.ts';

export interface QueueLimits {
  readonly queueLengthMax: number;
  readonly queueBytesMax: number;
  readonly queueWaitMaxMs: number;
}

export interface Waiter {
  readonly ticket: number;
  readonly ask: Ask;
  readonly criticality: Criticality;
  /** Who was full when it was looked at last; undefined: nobody else waits for just these. */
  place: string | undefined;
  readonly sinceMs: number;
  readonly settled: Settled;
}

/** The most important first. */
const ORDER: readonly Criticality[] = ['critical', 'standard', 'sheddable'];

export class Queue {
  /** Oldest first: a Map keeps the order in which tickets were added. */
  readonly #lines: Readonly<Record<Criticality, Map<number, Waiter>>> = { critical: new Map(), standard: new Map(), sheddable: new Map() };
  #bytes = 0;
  #tickets = 0;

  get length(): number {
    return ORDER.reduce((sum, criticality) => sum + this.#lines[criticality].size, 0);
  }

  /** Of the bodies of those that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How long the one that waits longest has waited; 0 when nobody does. */
  longestMs(nowMs: number): number {
    let longest = 0;
    for (const criticality of ORDER) {
      const [first] = this.#lines[criticality].values();
      if (first !== undefined) longest = Math.max(longest, nowMs - first.sinceMs);
    }
    return longest;
  }

  /**
   * Puts a request at the end of its line. Where there is no room, less important ones that came last give theirs up.
   *
   * Undefined: there is no room for it. `displaced` have left the queue, and are the caller's to tell.
   */
  add(waiter: Omit<Waiter, 'ticket'>, limits: QueueLimits): { readonly ticket: number; readonly displaced: readonly Waiter[] } | undefined {
    const bytes = bytesOf(waiter.ask);
    const displaced = this.#makeRoom(bytes, waiter.criticality, limits);
    if (displaced === undefined) return undefined;
    for (const { ticket } of displaced) this.remove(ticket);
    this.#tickets += 1;
    const ticket = this.#tickets;
    this.#lines[waiter.criticality].set(ticket, { ...waiter, ticket });
    this.#bytes += bytes;
    return { ticket, displaced };
  }

  /** False when it is not there: it was told already. */
  remove(ticket: number): boolean {
    for (const criticality of ORDER) {
      const waiter = this.#lines[criticality].get(ticket);
      if (waiter === undefined) continue;
      this.#bytes -= bytesOf(waiter.ask);
      return this.#lines[criticality].delete(ticket);
    }
    return false;
  }

  /** In the order in which they are to be served. Waiters may be removed meanwhile. */
  *inOrder(): Generator<Waiter> {
    for (const criticality of ORDER) yield* this.#lines[criticality].values();
  }

  /** Those that have waited as long as they may; they stay until removed. */
  expired(nowMs: number, { queueWaitMaxMs }: QueueLimits): Waiter[] {
    const found: Waiter[] = [];
    for (const criticality of ORDER) {
      for (const waiter of this.#lines[criticality].values()) {
        if (nowMs - waiter.sinceMs < queueWaitMaxMs) break;
        found.push(waiter);
      }
    }
    return found;
  }

  /** Whom to send away so that a request fits; undefined when that cannot be, or only at the cost of those who are as important. */
  #makeRoom(bytes: number, criticality: Criticality, limits: QueueLimits): Waiter[] | undefined {
    const displaced: Waiter[] = [];
    let length = this.length + 1;
    let total = this.#bytes + bytes;
    const fits = (): boolean => length <= limits.queueLengthMax && total <= limits.queueBytesMax;
    for (let line = ORDER.length - 1; !fits() && line > ORDER.indexOf(criticality); line--) {
      const newestFirst = [...this.#lines[ORDER[line]!].values()].toReversed();
      for (const waiter of newestFirst) {
        if (fits()) break;
        displaced.push(waiter);
        length -= 1;
        total -= bytesOf(waiter.ask);
      }
    }
    return fits() ? displaced : undefined;
  }
}

function bytesOf(ask: Ask): number {
  return ask.bodyBytes ?? 0;
}
