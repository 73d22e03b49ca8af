// retry-budget.ts: how many requests may be tried again, so that a fleet in trouble is not asked twice for everything. Pure: the caller brings the clock.

export interface RetryBudgetLimits {
  /** Retries as a share of the requests of the last ten seconds. */
  readonly budgetRatio: number;
  /** So many are allowed however few requests there were. */
  readonly budgetMin: number;
}

const SLOTS = 10;
const SLOT_MS = 1000;

/** Counts requests and retries of the last ten seconds, in slots of one. */
export class RetryBudget {
  readonly #requests = new Float64Array(SLOTS);
  readonly #retries = new Float64Array(SLOTS);
  #slot = 0;

  noteRequest(nowMs: number): void {
    this.#turn(nowMs);
    this.#requests[this.#slot % SLOTS]! += 1;
  }

  /** Takes one retry from the budget; false when there is none left. */
  take(nowMs: number, { budgetRatio, budgetMin }: RetryBudgetLimits): boolean {
    this.#turn(nowMs);
    if (sum(this.#retries) >= Math.max(budgetMin, budgetRatio * sum(this.#requests))) return false;
    this.#retries[this.#slot % SLOTS]! += 1;
    return true;
  }

  /** Empties the slots that have become too old. */
  #turn(nowMs: number): void {
    const slot = Math.floor(nowMs / SLOT_MS);
    for (let i = Math.max(this.#slot + 1, slot - SLOTS + 1); i <= slot; i++) {
      this.#requests[i % SLOTS] = 0;
      this.#retries[i % SLOTS] = 0;
    }
    this.#slot = Math.max(this.#slot, slot);
  }
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
