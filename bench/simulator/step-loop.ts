// step-loop.ts: drives an engine by the wall clock with one timer for all its requests.

import type { Engine } from './engine/engine.ts';
import type { EngineRequest, Sequence } from './engine/sequence.ts';

/** How far the engine may be behind the wall clock before the delay is forgiven, in real milliseconds. */
const LAG_MAX_MS = 1000;

export class StepLoop<R extends EngineRequest> {
  readonly #engine: Engine<R>;
  readonly #timeScale: number;
  readonly #onProduced: (produced: readonly Sequence<R>[]) => void;
  readonly #startedMs = performance.now();
  /** Makes every step this many times longer. */
  slowFactor = 1;
  /** Engine time that was simulated already. */
  #engineS = 0;
  #state: 'idle' | 'asleep' | 'stepping' | 'stopped' = 'idle';
  #paused = false;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;

  constructor(engine: Engine<R>, timeScale: number, onProduced: (produced: readonly Sequence<R>[]) => void) {
    this.#engine = engine;
    this.#timeScale = timeScale;
    this.#onProduced = onProduced;
  }

  /** The time on the engine's clock, in its seconds. */
  nowS(): number {
    if (this.#timeScale === 0) return this.#engineS;
    return (performance.now() - this.#startedMs) / 1000 / this.#timeScale;
  }

  add(request: R): Sequence<R> {
    const sequence = this.#engine.add(request, this.nowS());
    if (this.#state === 'idle') this.#sleepUntilWork(this.nowS());
    return sequence;
  }

  /** Takes no further step until `resume`; what is added waits. */
  pause(): void {
    this.#paused = true;
    if (this.#state !== 'asleep') return;
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#state = 'idle';
  }

  resume(): void {
    this.#paused = false;
    if (this.#state === 'idle') this.#sleepUntilWork(this.nowS());
  }

  stop(): void {
    this.#state = 'stopped';
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
  }

  #sleepUntilWork(nowS: number): void {
    const wakeS = this.#paused ? Infinity : this.#engine.wakeAtS(nowS);
    this.#state = wakeS === Infinity ? 'idle' : 'asleep';
    if (wakeS !== Infinity) this.#at(wakeS, () => this.#step(wakeS));
  }

  #step(startS: number): void {
    this.#state = 'stepping';
    const step = this.#engine.step(startS);
    const endS = startS + step.durationS * this.slowFactor;
    this.#at(endS, () => {
      this.#onProduced(step.produced);
      if (this.#state === 'stopped') return;
      const behindMs = (this.nowS() - endS) * this.#timeScale * 1000;
      this.#sleepUntilWork(behindMs > LAG_MAX_MS ? this.nowS() : endS);
    });
  }

  #at(engineS: number, run: () => void): void {
    const delayMs = (engineS - this.nowS()) * this.#timeScale * 1000;
    const arrive = (): void => {
      this.#engineS = engineS;
      run();
    };
    // At scale 0 one step a turn of the event loop, so that requests can come in and leave between steps.
    if (this.#timeScale === 0 || delayMs <= 0) this.#immediate = setImmediate(arrive);
    else this.#timer = setTimeout(arrive, delayMs);
  }
}
