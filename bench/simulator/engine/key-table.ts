// key-table.ts: which block carries a key, in flat memory: a lookup is what the engine does most.

const NONE = 0;

/** A map from keys (any numbers) to blocks (from 1 on). Open addressing with linear probing; never holds more than `blocks` entries. */
export class KeyTable {
  readonly #keys: Float64Array;
  readonly #blocks: Int32Array;
  readonly #mask: number;

  constructor(blocks: number) {
    const slots = 2 ** Math.ceil(Math.log2(2 * blocks));
    this.#keys = new Float64Array(slots);
    this.#blocks = new Int32Array(slots);
    this.#mask = slots - 1;
  }

  /** The block, or 0. */
  get(key: number): number {
    return this.#blocks[this.#slotOf(key)]!;
  }

  set(key: number, block: number): void {
    const slot = this.#slotOf(key);
    this.#keys[slot] = key;
    this.#blocks[slot] = block;
  }

  /** The key must be there. */
  delete(key: number): void {
    const mask = this.#mask;
    let hole = this.#slotOf(key);
    for (let slot = (hole + 1) & mask; this.#blocks[slot] !== NONE; slot = (slot + 1) & mask) {
      const fromHome = (slot - this.#home(this.#keys[slot]!)) & mask;
      if (fromHome < ((slot - hole) & mask)) continue;
      this.#keys[hole] = this.#keys[slot]!;
      this.#blocks[hole] = this.#blocks[slot]!;
      hole = slot;
    }
    this.#blocks[hole] = NONE;
  }

  clear(): void {
    this.#blocks.fill(NONE);
  }

  /** Where the key is, or where it would go. */
  #slotOf(key: number): number {
    let slot = this.#home(key);
    while (this.#blocks[slot] !== NONE && this.#keys[slot] !== key) slot = (slot + 1) & this.#mask;
    return slot;
  }

  #home(key: number): number {
    const mixed = Math.imul((key | 0) ^ (key / 0x1_0000_0000), 0x9e3779b1);
    return (mixed ^ (mixed >>> 15)) & this.#mask;
  }
}
