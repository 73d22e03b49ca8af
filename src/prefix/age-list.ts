// age-list.ts: entries of a table in the order of their age, linked through two of their fields.

import type { BlockTable } from './block-table.ts';

/** Fields of an entry that is listed. Those of entry 0 are the ends of the list: its OLDER is the youngest, its YOUNGER the oldest. */
const OLDER = 2;
const YOUNGER = 3;

/** Emptied with its table. */
export class AgeList {
  readonly #table: BlockTable;

  constructor(table: BlockTable) {
    this.#table = table;
  }

  /** 0 when there is none. */
  get oldest(): number {
    return this.#table.fields[YOUNGER]!;
  }

  /** 0 when there is none. */
  get youngest(): number {
    return this.#table.fields[OLDER]!;
  }

  /** 0 when it is the oldest; of entry 0 the youngest. */
  olderThan(entry: number): number {
    return this.#table.fields[entry + OLDER]!;
  }

  /** 0 when it is the youngest. */
  youngerThan(entry: number): number {
    return this.#table.fields[entry + YOUNGER]!;
  }

  /** Makes the entry just younger than `older`, which is 0 for the old end. */
  link(entry: number, older: number): void {
    const { fields } = this.#table;
    const younger = fields[older + YOUNGER]!;
    fields[entry + OLDER] = older;
    fields[entry + YOUNGER] = younger;
    fields[older + YOUNGER] = entry;
    fields[younger + OLDER] = entry;
  }

  unlink(entry: number): void {
    const { fields } = this.#table;
    const older = fields[entry + OLDER]!;
    const younger = fields[entry + YOUNGER]!;
    fields[older + YOUNGER] = younger;
    fields[younger + OLDER] = older;
  }
}
