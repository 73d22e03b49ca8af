// recent-requests.ts: how many requests ended within a window of time, and how many of them failed.

const SLOTS = 10;

/**
 * Counts in ten slots of time, of which the oldest drops out whole.
 *
 * The window is given with each request; when it changes, counting begins anew.
 */
export class RecentRequests {
  readonly #requestsIn = new Uint32Array(SLOTS);
  readonly #failedIn = new Uint32Array(SLOTS);
  #slotMs = 0;
  /** Counted from the clock's zero. */
  #slot = 0;

  note(failed: boolean, nowMs: number, windowMs: number): void {
    const slotMs = windowMs / SLOTS;
    if (slotMs !== this.#slotMs) this.clear();
    this.#slotMs = slotMs;
    const slot = Math.floor(nowMs / slotMs);
    if (slot - this.#slot >= SLOTS) this.clear();
    else for (let passed = this.#slot + 1; passed <= slot; passed += 1) this.#empty(passed % SLOTS);
    this.#slot = slot;
    this.#requestsIn[slot % SLOTS]! += 1;
    if (failed) this.#failedIn[slot % SLOTS]! += 1;
  }

  /** Within the window that ends with the last one noted. */
  get requests(): number {
    return sum(this.#requestsIn);
  }

  get failed(): number {
    return sum(this.#failedIn);
  }

  clear(): void {
    this.#requestsIn.fill(0);
    this.#failedIn.fill(0);
  }

  #empty(at: number): void {
    this.#requestsIn[at] = 0;
    this.#failedIn[at] = 0;
  }
}

function sum(counts: Uint32Array): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}
