// batch.ts: work that nobody waits for, done many times in a row.

const ITEMS = 64;

/**
 * Hands items to `work` in the order in which they came, many at once: between other work, each time finds the processor's caches full of other code.
 *
 * Whoever reads what `work` writes flushes first.
 */
export class Batch<Item> {
  readonly #work: (item: Item) => void;
  #items: Item[] = [];

  constructor(work: (item: Item) => void) {
    this.#work = work;
  }

  add(item: Item): void {
    if (this.#items.push(item) === ITEMS) this.flush();
  }

  flush(): void {
    const items = this.#items;
    this.#items = [];
    for (const item of items) this.#work(item);
  }
}
