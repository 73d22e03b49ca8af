// history.js: the snapshots of the last five minutes, as columns for charts.

const POINTS_MAX = 300;
/** Between snapshots further apart than this the line is broken: nothing is known of the time between. */
const GAP_S = 3;

export class History {
  /** Seconds since 1970. */
  times = [];
  #columns = new Map();

  /** `values`: a number or null by the name of its line. */
  add(timeS, values) {
    const last = this.times.at(-1);
    // The router's clock was set back: what is of later times would hide what comes.
    if (last !== undefined && last - timeS > GAP_S) this.#clear();
    else if (last !== undefined && timeS <= last) return;
    if (last !== undefined && timeS - last > GAP_S) this.#push(last + 1, new Map());
    this.#push(timeS, values);
  }

  column(name) {
    return this.#columns.get(name) ?? Array(this.times.length).fill(null);
  }

  /** Names that begin with the prefix, of those with the greatest sums first. */
  greatest(prefix, most) {
    const sums = [];
    for (const [name, column] of this.#columns) if (name.startsWith(prefix)) sums.push([name, column.reduce((sum, value) => sum + (value ?? 0), 0)]);
    return sums.toSorted(([a, x], [b, y]) => y - x || a.localeCompare(b, 'en', { numeric: true })).slice(0, most).map(([name]) => name);
  }

  #clear() {
    this.times = [];
    this.#columns.clear();
  }

  #push(timeS, values) {
    for (const name of values.keys()) if (!this.#columns.has(name)) this.#columns.set(name, Array(this.times.length).fill(null));
    this.times.push(timeS);
    for (const [name, column] of this.#columns) column.push(values.get(name) ?? null);
    if (this.times.length <= POINTS_MAX) return;
    this.times.shift();
    for (const [name, column] of this.#columns) {
      column.shift();
      if (column.every((value) => value === null)) this.#columns.delete(name);
    }
  }
}
