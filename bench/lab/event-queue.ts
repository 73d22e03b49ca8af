// event-queue.ts: virtual time. What happens next happens now.

/** Events in the order of their time; equal times in the order in which they were added, so that a run repeats exactly. */
export class EventQueue {
  /** A binary heap in parallel arrays. */
  readonly #times: number[] = [];
  readonly #orders: number[] = [];
  readonly #events: (() => void)[] = [];
  #added = 0;
  #nowS = 0;

  get nowS(): number {
    return this.#nowS;
  }

  /** A time that has passed already means now. */
  at(timeS: number, event: () => void): void {
    const time = Math.max(timeS, this.#nowS);
    const order = this.#added++;
    let place = this.#times.length;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (this.#times[parent]! <= time) break;
      this.#move(parent, place);
      place = parent;
    }
    this.#set(place, time, order, event);
  }

  /** Runs events until none is left. */
  run(): void {
    while (this.#times.length > 0) {
      this.#nowS = this.#times[0]!;
      const event = this.#events[0]!;
      this.#removeFirst();
      event();
    }
  }

  #removeFirst(): void {
    const time = this.#times.pop()!;
    const order = this.#orders.pop()!;
    const event = this.#events.pop()!;
    const size = this.#times.length;
    if (size === 0) return;
    let place = 0;
    for (let child = 1; child < size; child = 2 * place + 1) {
      if (child + 1 < size && this.#before(child + 1, this.#times[child]!, this.#orders[child]!)) child += 1;
      if (!this.#before(child, time, order)) break;
      this.#move(child, place);
      place = child;
    }
    this.#set(place, time, order, event);
  }

  #before(place: number, time: number, order: number): boolean {
    return this.#times[place]! < time || (this.#times[place] === time && this.#orders[place]! < order);
  }

  #move(from: number, to: number): void {
    this.#set(to, this.#times[from]!, this.#orders[from]!, this.#events[from]!);
  }

  #set(place: number, time: number, order: number, event: () => void): void {
    this.#times[place] = time;
    this.#orders[place] = order;
    this.#events[place] = event;
  }
}
