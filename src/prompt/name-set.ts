// name-set.ts: how many different names there are, at the cost of a few bytes each.

/**
 * The names of one body's objects, by a hash of their bytes. Two that collide count as one, which lets a body have one more than it may.
 *
 * Made once and emptied for each body: emptying takes as long as there were names.
 */
export class NameSet {
  readonly #namesMax: number;
  readonly #seed: number;
  /** Open addressing, at most half full; 0 is free. */
  readonly #slots: Int32Array;
  readonly #used: Int32Array;
  #size = 0;

  constructor(namesMax: number, seed: number) {
    this.#namesMax = namesMax;
    this.#seed = seed;
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * namesMax)));
    this.#used = new Int32Array(namesMax);
  }

  clear(): void {
    for (let i = 0; i < this.#size; i += 1) this.#slots[this.#used[i]!] = 0;
    this.#size = 0;
  }

  /** False when it is new and there are `namesMax` already. */
  add(bytes: Uint8Array, from: number, to: number): boolean {
    let hash = this.#seed;
    for (let at = from; at < to; at += 1) {
      hash = Math.imul(hash ^ bytes[at]!, 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    if (hash === 0) hash = 1;
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (; slots[slot] !== 0; slot = (slot + 1) & mask) {
      if (slots[slot] === hash) return true;
    }
    if (this.#size === this.#namesMax) return false;
    slots[slot] = hash;
    this.#used[this.#size] = slot;
    this.#size += 1;
    return true;
  }
}
