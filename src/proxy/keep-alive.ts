// keep-alive.ts: tells the client of a stream that waits long that somebody is there.

import type { ClientResponse } from './client-response.ts';
import type { Swept, Sweep } from './sweep.ts';

/** Has a comment written in each interval until an answer begins or `stop` is called. */
export class KeepAlive implements Swept {
  sweepIndex = -1;
  readonly #sweep: Sweep;
  readonly #client: ClientResponse;
  readonly #intervalMs: number;
  #lastMs: number;

  constructor(sweep: Sweep, client: ClientResponse, intervalMs: number) {
    this.#sweep = sweep;
    this.#client = client;
    this.#intervalMs = intervalMs;
    this.#lastMs = sweep.add(this);
  }

  sweep(nowMs: number): void {
    if (this.#client.committed) this.stop();
    else if (nowMs - this.#lastMs >= this.#intervalMs) {
      this.#lastMs = nowMs;
      this.#client.comment();
    }
  }

  stop(): void {
    this.#sweep.delete(this);
  }
}
