// replica.ts: one simulated vLLM server in virtual time.

import { Engine, type EngineConfig } from '../simulator/engine/engine.ts';
import type { Sequence } from '../simulator/engine/sequence.ts';
import type { EventQueue } from './event-queue.ts';
import type { Exchange } from './exchange.ts';

/** Hears of answers, at the virtual time at which they leave the server. */
export interface ReplicaEvents {
  firstToken(exchange: Exchange): void;
  complete(exchange: Exchange): void;
}

export class Replica {
  readonly #config: EngineConfig;
  readonly #queue: EventQueue;
  readonly #events: ReplicaEvents;
  /** Of a step, and so the inverse of its speed. */
  readonly #slowness: number;
  #engine: Engine<Exchange>;
  #state: 'idle' | 'asleep' | 'stepping' = 'idle';
  /** Wake-ups and steps of an earlier process are void. */
  #process = 0;
  up = true;

  constructor(config: EngineConfig, slowness: number, queue: EventQueue, events: ReplicaEvents) {
    this.#config = config;
    this.#slowness = slowness;
    this.#queue = queue;
    this.#events = events;
    this.#engine = new Engine(config);
  }

  get engine(): Engine<Exchange> {
    return this.#engine;
  }

  /** Changes when it begins anew. */
  get process(): number {
    return this.#process;
  }

  add(exchange: Exchange): Sequence<Exchange> {
    const sequence = this.#engine.add(exchange, this.#queue.nowS);
    if (this.#state === 'idle') this.#sleep();
    return sequence;
  }

  /** Whatever it did is gone; it refuses connections until `up` is set again. */
  kill(): void {
    this.#engine = new Engine(this.#config);
    this.#process += 1;
    this.#state = 'idle';
    this.up = false;
  }

  #sleep(): void {
    const wakeS = this.#engine.wakeAtS(this.#queue.nowS);
    this.#state = wakeS === Infinity ? 'idle' : 'asleep';
    if (wakeS === Infinity) return;
    const process = this.#process;
    this.#queue.at(wakeS, () => {
      if (process === this.#process) this.#step();
    });
  }

  #step(): void {
    this.#state = 'stepping';
    const step = this.#engine.step(this.#queue.nowS);
    const process = this.#process;
    this.#queue.at(this.#queue.nowS + step.durationS * this.#slowness, () => {
      if (process !== this.#process) return;
      for (const sequence of step.produced) {
        if (sequence.request.firstTokenS === undefined) this.#events.firstToken(sequence.request);
        if (sequence.state === 'done') this.#events.complete(sequence.request);
      }
      this.#sleep();
    });
  }
}
