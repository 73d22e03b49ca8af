// recent-keys.ts: sets of block keys in flat memory: a lookup is what a rule does most.

import { KeyTable } from '../../simulator/engine/key-table.ts';

const END = 0;

/** The most recently used keys, at most `sizeMax` of them. */
export class RecentKeys {
  readonly #sizeMax: number;
  readonly #places: KeyTable;
  /** A ring of places around `END`, the least recently used first. */
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #keys: Float64Array;
  #size = 0;

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
    this.#places = new KeyTable(sizeMax);
    this.#next = new Int32Array(sizeMax + 1);
    this.#previous = new Int32Array(sizeMax + 1);
    this.#keys = new Float64Array(sizeMax + 1);
  }

  has(key: number): boolean {
    return this.#places.get(key) !== 0;
  }

  /** Adds the key, or makes it the most recent one. */
  use(key: number): void {
    let place = this.#places.get(key);
    if (place === 0) {
      place = this.#size < this.#sizeMax ? ++this.#size : this.#evict();
      this.#keys[place] = key;
      this.#places.set(key, place);
    } else {
      this.#unlink(place);
    }
    const last = this.#previous[END]!;
    this.#next[last] = place;
    this.#previous[place] = last;
    this.#next[place] = END;
    this.#previous[END] = place;
  }

  #evict(): number {
    const oldest = this.#next[END]!;
    this.#unlink(oldest);
    this.#places.delete(this.#keys[oldest]!);
    return oldest;
  }

  #unlink(place: number): void {
    const next = this.#next[place]!;
    const previous = this.#previous[place]!;
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }
}

const SLOTS_MIN = 1024;

/** A time for each key that was ever noted. */
export class KeyTimes {
  #keys = new Float64Array(SLOTS_MIN);
  #times = new Float64Array(SLOTS_MIN).fill(NaN);
  #size = 0;

  /** NaN for a key that was never noted. */
  get(key: number): number {
    return this.#times[this.#slotOf(key)]!;
  }

  note(key: number, time: number): void {
    const slot = this.#slotOf(key);
    const isNew = Number.isNaN(this.#times[slot]!);
    this.#keys[slot] = key;
    this.#times[slot] = time;
    if (isNew && 2 * ++this.#size > this.#keys.length) this.#grow();
  }

  #slotOf(key: number): number {
    const mask = this.#keys.length - 1;
    const mixed = Math.imul((key | 0) ^ (key / 0x1_0000_0000), 0x9e3779b1);
    let slot = (mixed ^ (mixed >>> 15)) & mask;
    while (this.#keys[slot] !== key && !Number.isNaN(this.#times[slot]!)) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const [keys, times] = [this.#keys, this.#times];
    this.#keys = new Float64Array(2 * keys.length);
    this.#times = new Float64Array(2 * keys.length).fill(NaN);
    keys.forEach((key, at) => {
      if (Number.isNaN(times[at]!)) return;
      const slot = this.#slotOf(key);
      this.#keys[slot] = key;
      this.#times[slot] = times[at]!;
    });
  }
}
