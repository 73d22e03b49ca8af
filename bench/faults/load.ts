// load.ts: steady load on a router: short requests at a fixed rate, streams and not, and some long streams at any time.

import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from 'undici';
import { call, type Told } from './client.ts';
import type { Conversation } from './conversations.ts';
import type { Verdict } from './judge.ts';

export interface LoadOptions {
  readonly url: string;
  readonly shorts: readonly Conversation[];
  readonly shortsPerS: number;
  readonly longs: readonly Conversation[];
  /** At any time. */
  readonly longStreams: number;
  /** How long a client waits for a short answer; for a long one ten times as long. */
  readonly patienceMs: number;
}

export type Sent = Told & { readonly long: boolean };

const TICK_MS = 5;
const LONG_PATIENCE = 10;
const STALL_MS_MAX = 100;
const CONNECT_MS = 30_000;
/** A client whose stream broke does not ask again at once. */
const PAUSE_MS = 200;

export class Load {
  /** In the order in which they ended. */
  readonly sent: Sent[] = [];
  readonly #options: LoadOptions;
  readonly #agent = new Agent({ pipelining: 1, connect: { timeout: CONNECT_MS } });
  readonly #underWay = new Set<Promise<unknown>>();
  #lastMs = performance.now();
  #due = 0;
  readonly #timer: NodeJS.Timeout;
  #shortsSent = 0;
  #ids = 0;
  #over = false;

  /** Begins at once. */
  constructor(options: LoadOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    for (let at = 0; at < options.longStreams; at++) this.#track(this.#streamOn(at));
  }

  get underWay(): number {
    return this.#underWay.size;
  }

  /** Sends nothing more and resolves when everything that was sent has ended. */
  async end(): Promise<void> {
    this.#over = true;
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
    await this.#agent.destroy();
  }

  #tick(): void {
    const { shorts, shortsPerS } = this.#options;
    const nowMs = performance.now();
    // What a machine that stood still could not send is left out: all of it at once would be another load.
    this.#due += (Math.min(STALL_MS_MAX, nowMs - this.#lastMs) / 1000) * shortsPerS;
    this.#lastMs = nowMs;
    for (; this.#due >= 1; this.#due -= 1) {
      const at = this.#shortsSent++;
      this.#track(this.#send(shorts[at % shorts.length]!, at % 2 === 0, false));
    }
  }

  async #streamOn(at: number): Promise<void> {
    const { longs } = this.#options;
    for (let turn = at; !this.#over; turn += this.#options.longStreams) {
      const verdict = await this.#send(longs[turn % longs.length]!, true, true);
      if (verdict !== 'answered') await sleep(PAUSE_MS);
    }
  }

  async #send(conversation: Conversation, streams: boolean, long: boolean): Promise<Verdict> {
    const { url, patienceMs } = this.#options;
    const id = `${long ? 'long' : 'short'}-${this.#ids++}`;
    const told = await call({ url, agent: this.#agent, id, conversation, streams, patienceMs: patienceMs * (long ? LONG_PATIENCE : 1) });
    this.sent.push({ ...told, long });
    return told.verdict;
  }

  #track(work: Promise<unknown>): void {
    this.#underWay.add(work);
    void work.finally(() => this.#underWay.delete(work));
  }
}
