// kept-texts.ts: short texts that outlive what they came with, in flat memory.
//
// To the garbage collector what is kept for a thousand requests is neither short-lived nor long-lived. As strings, two ids of each were two thirds of what
// it moved to the old generation: 120 of 180 bytes a request (`--trace-gc-nvp`, 1,200 requests a second).

export class KeptTexts {
  readonly #lengthMax: number;
  readonly #lengths: Uint16Array;
  readonly #codes: Uint16Array;

  /** @param lengthMax characters; of a longer text the end is lost */
  constructor(texts: number, lengthMax: number) {
    this.#lengthMax = lengthMax;
    this.#lengths = new Uint16Array(texts);
    this.#codes = new Uint16Array(texts * lengthMax);
  }

  set(at: number, text: string): void {
    const length = Math.min(text.length, this.#lengthMax);
    const from = at * this.#lengthMax;
    for (let i = 0; i < length; i++) this.#codes[from + i] = text.charCodeAt(i);
    this.#lengths[at] = length;
  }

  get(at: number): string {
    const from = at * this.#lengthMax;
    return String.fromCharCode(...this.#codes.subarray(from, from + this.#lengths[at]!));
  }
}
