// stored-responses.ts: which endpoint gave which answer, for the requests that name one later.

/** About 100 bytes each. */
const KEPT_MAX = 100_000;

/** Bounded: the oldest is forgotten first, and then such requests go by load. */
export class StoredResponses {
  readonly #endpoints = new Map<string, string>();

  note(responseId: string, endpointId: string): void {
    this.#endpoints.set(responseId, endpointId);
    if (this.#endpoints.size <= KEPT_MAX) return;
    const oldest = this.#endpoints.keys().next().value;
    if (oldest !== undefined) this.#endpoints.delete(oldest);
  }

  endpointOf(responseId: string | undefined): string | undefined {
    return responseId === undefined ? undefined : this.#endpoints.get(responseId);
  }
}
