// body-total.ts: how many bytes of request bodies are held at the moment, by all listeners together.

export class BodyTotal {
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** For one request; nothing is held yet. */
  hold(): HeldBytes {
    return new HeldBytes((bytes) => (this.#bytes += bytes));
  }
}

/** What one request holds. */
export class HeldBytes {
  #bytes = 0;
  #released = false;
  /** Changes the total and gives what it is then. */
  readonly #change: (bytes: number) => number;

  constructor(change: (bytes: number) => number) {
    this.#change = change;
  }

  /** False when there are more than `totalMax` bytes in total now; they are held all the same. A request that is over holds nothing any more. */
  add(bytes: number, totalMax: number): boolean {
    if (this.#released) return true;
    this.#bytes += bytes;
    return this.#change(bytes) <= totalMax;
  }

  /** Gives everything back. Idempotent. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#change(-this.#bytes);
  }
}
