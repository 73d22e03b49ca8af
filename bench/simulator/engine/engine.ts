// engine.ts: vLLM's V1 scheduler over a block pool, with time as a parameter, so that a socket or a virtual clock can drive it.

import { BlockPool } from './block-pool.ts';
import { addWork, newSequence, tokensOf, type EngineRequest, type Sequence } from './sequence.ts';
import { stepDurationS, type Preset, type StepWork } from './step-time.ts';

export interface Step<R extends EngineRequest> {
  /** 0 when there was nothing to compute. */
  readonly durationS: number;
  /** Sequences that get one more token when the step ends; those that got their last are already `done`. */
  readonly produced: readonly Sequence<R>[];
}

export interface EngineConfig {
  readonly preset: Preset;
  /** Tokens of a block. */
  readonly blockTokens: number;
  /** Blocks in the pool, with the null block. */
  readonly blocks: number;
}

/** Counters since the start, in tokens where not said otherwise. */
export interface EngineTotals {
  cacheQueries: number;
  cacheHits: number;
  /** Times a running request lost its blocks. */
  preemptions: number;
  steps: number;
}

export class Engine<R extends EngineRequest> {
  readonly config: EngineConfig;
  readonly totals: EngineTotals = { cacheQueries: 0, cacheHits: 0, preemptions: 0, steps: 0 };
  readonly #pool: BlockPool;
  readonly #arriving = new Set<Sequence<R>>();
  readonly #waiting = new Set<Sequence<R>>();
  /** Goes before `#waiting`; its last element is first in line. */
  readonly #preempted: Sequence<R>[] = [];
  readonly #running: Sequence<R>[] = [];

  constructor(config: EngineConfig) {
    this.config = config;
    this.#pool = new BlockPool(config.blocks);
  }

  get running(): number {
    return this.#running.length;
  }

  get waiting(): number {
    return this.#waiting.size + this.#preempted.length;
  }

  /** Requests on their way from the socket to the scheduler. */
  get arriving(): number {
    return this.#arriving.size;
  }

  /** Share of the usable blocks held by requests; cached but free blocks count as free. */
  get usage(): number {
    return 1 - this.#pool.freeBlocks / this.#pool.usableBlocks;
  }

  /** Takes a request that came in at `nowS`. A prompt larger than the pool would wait for ever: the caller refuses it. */
  add(request: R, nowS: number): Sequence<R> {
    const sequence = newSequence(request, nowS + this.config.preset.arrivalS);
    this.#arriving.add(sequence);
    return sequence;
  }

  /** Ends a request in any state; what was computed of it stays cached. Does nothing to one that is done. */
  abort(sequence: Sequence<R>): void {
    if (sequence.state === 'running') this.#running.splice(this.#running.indexOf(sequence), 1);
    this.#arriving.delete(sequence);
    if (!this.#waiting.delete(sequence)) {
      const at = this.#preempted.indexOf(sequence);
      if (at !== -1) this.#preempted.splice(at, 1);
    }
    this.#free(sequence);
    sequence.state = 'done';
  }

  /** Empties the cache; requests go on. */
  flush(): void {
    this.#pool.flush();
  }

  /** The earliest time at which `step` has something to do: `nowS` if it has now, Infinity if the engine is empty. */
  wakeAtS(nowS: number): number {
    if (this.#running.length > 0 || this.waiting > 0) return nowS;
    for (const first of this.#arriving) return Math.max(nowS, first.readyAtS);
    return Infinity;
  }

  /**
   * Schedules at `nowS` and computes one step. What it produced becomes visible at `nowS + durationS`; requests that come in
   * between are seen by the next step.
   */
  step(nowS: number): Step<R> {
    for (const sequence of this.#arriving) {
      if (sequence.readyAtS > nowS) break;
      this.#arriving.delete(sequence);
      this.#waiting.add(sequence);
      sequence.state = 'waiting';
    }
    const work: StepWork = { prefillTokens: 0, attentionTokens: 0, decodes: 0, contextTokens: 0 };
    const produced: Sequence<R>[] = [];
    const finished: Sequence<R>[] = [];
    const compute = (sequence: Sequence<R>, tokens: number): void => {
      addWork(work, sequence, tokens);
      sequence.computedTokens += tokens;
      if (sequence.computedTokens < tokensOf(sequence)) return;
      sequence.generatedTokens += 1;
      produced.push(sequence);
      if (sequence.generatedTokens >= sequence.request.outputTokens) finished.push(sequence);
    };
    const preemptionsBefore = this.totals.preemptions;
    const left = this.#continueRunning(this.config.preset.stepTokensMax, compute);
    if (this.totals.preemptions === preemptionsBefore) this.#admitWaiting(left, compute);
    for (const sequence of finished) this.#finish(sequence);
    if (work.prefillTokens + work.decodes === 0) return { durationS: 0, produced };
    this.totals.steps += 1;
    return { durationS: stepDurationS(this.config.preset, work), produced };
  }

  #continueRunning(budget: number, compute: (sequence: Sequence<R>, tokens: number) => void): number {
    for (let at = 0; at < this.#running.length && budget > 0; at++) {
      const sequence = this.#running[at]!;
      const tokens = Math.min(tokensOf(sequence) - sequence.computedTokens, budget);
      while (sequence.state === 'running' && !this.#allocate(sequence, tokens)) this.#preemptNewest();
      if (sequence.state !== 'running') break;
      compute(sequence, tokens);
      budget -= tokens;
    }
    return budget;
  }

  #admitWaiting(budget: number, compute: (sequence: Sequence<R>, tokens: number) => void): void {
    while (budget > 0 && this.#running.length < this.config.preset.runningMax) {
      const sequence = this.#firstWaiting();
      if (sequence === undefined || !this.#admit(sequence)) return;
      const tokens = Math.min(tokensOf(sequence) - sequence.computedTokens, budget);
      this.#allocate(sequence, tokens);
      compute(sequence, tokens);
      budget -= tokens;
    }
  }

  #firstWaiting(): Sequence<R> | undefined {
    const preempted = this.#preempted.at(-1);
    if (preempted !== undefined) return preempted;
    for (const sequence of this.#waiting) return sequence;
    return undefined;
  }

  /** Lets a waiting sequence run if all its tokens fit, starting behind what the cache holds of them. */
  #admit(sequence: Sequence<R>): boolean {
    const { blockTokens } = this.config;
    const tokens = tokensOf(sequence);
    const hits = sequence.request.readsCache
      ? this.#pool.match(sequence.request.keys, Math.floor((tokens - 1) / blockTokens))
      : [];
    let needed = Math.ceil(tokens / blockTokens) - hits.length;
    for (const block of hits) if (this.#pool.isFree(block)) needed += 1;
    if (needed > this.#pool.freeBlocks) return false;
    for (const block of hits) this.#pool.reuse(block);
    sequence.blocks = hits;
    sequence.registeredBlocks = hits.length;
    sequence.computedTokens = hits.length * blockTokens;
    if (sequence.cachedTokens === undefined) {
      sequence.cachedTokens = sequence.computedTokens;
      if (sequence.request.readsCache) this.totals.cacheQueries += tokens;
      this.totals.cacheHits += sequence.computedTokens;
    }
    if (!this.#waiting.delete(sequence)) this.#preempted.pop();
    this.#running.push(sequence);
    sequence.state = 'running';
    return true;
  }

  /** Blocks for the next `tokens` tokens; the ones they fill can be hit from now on, before they are computed. */
  #allocate(sequence: Sequence<R>, tokens: number): boolean {
    const { blockTokens } = this.config;
    const { blocks, request } = sequence;
    const end = sequence.computedTokens + tokens;
    const missing = Math.ceil(end / blockTokens) - blocks.length;
    if (missing > this.#pool.freeBlocks) return false;
    for (let added = 0; added < missing; added++) blocks.push(this.#pool.take());
    const full = Math.min(Math.floor(end / blockTokens), request.keys.length);
    for (let at = sequence.registeredBlocks; at < full; at++) this.#pool.register(blocks[at]!, request.keys[at]!);
    sequence.registeredBlocks = full;
    return true;
  }

  #preemptNewest(): void {
    const newest = this.#running.pop()!;
    this.#free(newest);
    newest.computedTokens = 0;
    newest.preemptions += 1;
    newest.state = 'waiting';
    this.#preempted.push(newest);
    this.totals.preemptions += 1;
  }

  #finish(sequence: Sequence<R>): void {
    this.#running.splice(this.#running.indexOf(sequence), 1);
    this.#free(sequence);
    sequence.state = 'done';
  }

  #free(sequence: Sequence<R>): void {
    this.#pool.release(sequence.blocks);
    sequence.blocks = [];
    sequence.registeredBlocks = 0;
  }
}
