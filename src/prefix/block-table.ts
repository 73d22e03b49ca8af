// block-table.ts: a few numbers for each block hash, in flat memory: millions of blocks are no work for the garbage collector.

import type { Chain } from '../core/chain.ts';
import type { ModelKey } from './model-key.ts';

/** Fields 0 and 1 of every entry are its hash; the others belong to the table's owner. */
export const LOW = 0;
export const HIGH = 1;

const SLOTS_MIN = 256;
/** Leaves 8 of 32 bits: the number of one of so many slots. */
const SHIFT_MAX = 24;
/** Entries for each slot, at most: a miss still ends within a cache line or two. */
const LOAD_MAX = 0.75;
/** Slots double; the fields, which are most of the memory, grow in smaller steps. */
const FIELDS_GROWTH = 1.25;

/**
 * Open addressing with linear probing. An entry is named by the position of its first field in `fields`; 0 is never an entry, so
 * it means absent, and the first `stride` fields are free for the owner's use.
 *
 * A slot is a pair (low half of the hash, entry) so that a miss touches the slots alone: in 64 tables of 30,000 blocks each, finding
 * the longest match of a 250-block prompt takes 0.15 to 0.3 µs a table.
 */
export class BlockTable {
  readonly #stride: number;
  #slots = new Int32Array(2 * SLOTS_MIN);
  #shift = SHIFT_MAX;
  #size = 0;
  /** Entries from here on were never used. */
  #unused: number;
  /** First of the removed entries, chained through their first field. */
  #free = 0;
  /** All entries' fields. Growing and emptying replace the array: read it again after `insert` and `remove`. What is not an entry is zero beyond field 0. */
  fields: Int32Array;

  constructor(stride: number) {
    this.#stride = stride;
    this.#unused = stride;
    this.fields = new Int32Array(SLOTS_MIN * LOAD_MAX * stride);
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#slots.byteLength + this.fields.byteLength;
  }

  /** The entry, or 0. */
  find(low: number, high: number): number {
    const slots = this.#slots;
    const fields = this.fields;
    const mask = slots.length - 1;
    let slot = this.#home(low);
    for (;;) {
      const entry = slots[slot + 1]!;
      if (entry === 0 || (slots[slot] === low && fields[entry + HIGH] === high)) return entry;
      slot = (slot + 2) & mask;
    }
  }

  /** The entry of block i of the chain, or 0. */
  findBlock(chain: Chain, model: ModelKey, i: number): number {
    return this.find(chain.hashes[2 * i]! ^ model.low, chain.hashes[2 * i + 1]! ^ model.high);
  }

  /** The same, where `before` is the entry of a block beside it, or 0: blocks that came together mostly lie side by side, and then no slot is read. */
  findBeside(before: number, chain: Chain, model: ModelKey, i: number): number {
    const low = chain.hashes[2 * i]! ^ model.low;
    const high = chain.hashes[2 * i + 1]! ^ model.high;
    const { fields } = this;
    // What is not an entry is zero there.
    if (high !== 0) {
      const next = before + this.#stride;
      if (next < fields.length && fields[next + HIGH] === high && fields[next + LOW] === low) return next;
      const last = before - this.#stride;
      if (last > 0 && fields[last + HIGH] === high && fields[last + LOW] === low) return last;
    }
    return this.find(low, high);
  }

  /** Loads what a look-up of such a hash begins with. The compiler leaves it out where nothing is done with what it gives. */
  touch(low: number): number {
    return this.#slots[this.#home(low) + 1]!;
  }

  /** A new entry, its other fields zero. The hash must be absent. */
  insert(low: number, high: number): number {
    let entry = this.#free;
    if (entry !== 0) {
      this.#free = this.fields[entry]!;
    } else {
      if (this.#unused === this.fields.length) this.#growFields();
      entry = this.#unused;
      this.#unused += this.#stride;
    }
    this.fields[entry + LOW] = low;
    this.fields[entry + HIGH] = high;
    this.#size++;
    if (2 * this.#size > this.#slots.length * LOAD_MAX) this.#growSlots();
    this.#place(low, entry);
    return entry;
  }

  /** With the last entry goes the memory, and what is in the owner's own fields. */
  remove(entry: number): void {
    const slots = this.#slots;
    const { fields } = this;
    const mask = slots.length - 1;
    let hole = this.#home(fields[entry + LOW]!);
    while (slots[hole + 1] !== entry) hole = (hole + 2) & mask;
    // Close the gap instead of leaving a tombstone, so that look-ups stay short however long the table lives.
    for (let slot = (hole + 2) & mask; slots[slot + 1] !== 0; slot = (slot + 2) & mask) {
      const fromHome = (slot - this.#home(slots[slot]!)) & mask;
      if (fromHome < ((slot - hole) & mask)) continue;
      slots[hole] = slots[slot]!;
      slots[hole + 1] = slots[slot + 1]!;
      hole = slot;
    }
    slots[hole + 1] = 0;
    for (let end = entry + this.#stride, i = entry + 1; i < end; i++) fields[i] = 0;
    fields[entry] = this.#free;
    this.#free = entry;
    this.#size--;
    // Entries keep their places while there are any.
    if (this.#size === 0 && slots.length > 2 * SLOTS_MIN) this.clear();
  }

  /** Removes every entry and gives the memory back; the owner's own fields become zero as well. */
  clear(): void {
    this.#slots = new Int32Array(2 * SLOTS_MIN);
    this.#shift = SHIFT_MAX;
    this.fields = new Int32Array(SLOTS_MIN * LOAD_MAX * this.#stride);
    this.#unused = this.#stride;
    this.#free = 0;
    this.#size = 0;
  }

  #home(low: number): number {
    return (Math.imul(low, 0x9e3779b1) >>> this.#shift) << 1;
  }

  #place(low: number, entry: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = this.#home(low);
    while (slots[slot + 1] !== 0) slot = (slot + 2) & mask;
    slots[slot] = low;
    slots[slot + 1] = entry;
  }

  #growSlots(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(2 * old.length);
    this.#shift--;
    for (let slot = 0; slot < old.length; slot += 2) {
      const entry = old[slot + 1]!;
      if (entry !== 0) this.#place(old[slot]!, entry);
    }
  }

  #growFields(): void {
    const entries = Math.ceil((this.fields.length / this.#stride) * FIELDS_GROWTH);
    const fields = new Int32Array(entries * this.#stride);
    fields.set(this.fields);
    this.fields = fields;
  }
}
