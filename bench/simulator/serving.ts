// serving.ts: one life of a simulated vLLM process: its engine, what it counts, and how requests get into the engine and out of it.

import { blockKeys, hashText } from './engine/block-keys.ts';
import { Engine } from './engine/engine.ts';
import type { Sequence } from './engine/sequence.ts';
import { presets } from './engine/step-time.ts';
import type { FinishReason, Generation, Listener } from './generation.ts';
import { backlogError, busyError, type ApiError } from './http/api-error.ts';
import { ResponseStore } from './http/response-store.ts';
import type { SimulatorOptions } from './options.ts';
import { ServerMetrics } from './server-metrics.ts';
import { StepLoop } from './step-loop.ts';
import type { Answer } from './text/answer.ts';

/** A choice to be generated. */
export interface Job {
  readonly index: number;
  readonly model: string;
  readonly prompt: Int32Array;
  readonly answer: Answer;
  readonly tokensMax: number;
  readonly salt: string | undefined;
  readonly readsCache: boolean;
}

export class Serving {
  readonly options: SimulatorOptions;
  readonly metrics = new ServerMetrics();
  readonly createdS = Math.floor(Date.now() / 1000);
  readonly engine: Engine<Generation>;
  readonly responses = new ResponseStore();
  readonly #loop: StepLoop<Generation>;
  readonly #inFlight = new Set<Generation>();
  /** Prompt tokens of requests without a first token. */
  #backlogTokens = 0;

  constructor(options: SimulatorOptions) {
    this.options = options;
    this.engine = new Engine({ preset: presets[options.preset], blockTokens: options.blockTokens, blocks: options.blocks });
    this.#loop = new StepLoop(this.engine, options.timeScale, (produced) => this.#deliver(produced));
  }

  set slowFactor(factor: number) {
    this.#loop.slowFactor = factor;
  }

  /** Refuses what the queue limits refuse: `busyError` before a stream starts, `backlogError` possibly after. */
  checkQueue(jobs: readonly Job[]): ApiError | undefined {
    const { queuedRequestsMax, queuedTokensMax } = this.options;
    if (this.#inFlight.size + jobs.length > queuedRequestsMax) {
      this.metrics.rejections.max_num_queued_reqs += 1;
      return busyError();
    }
    if (queuedTokensMax === Infinity) return undefined;
    const tokens = jobs.reduce((sum, job) => sum + job.prompt.length, 0);
    if (this.#backlogTokens + tokens <= queuedTokensMax) return undefined;
    this.metrics.rejections.max_num_queued_tokens += 1;
    return backlogError();
  }

  submit(job: Job, listener: Listener): Generation {
    const { options } = this;
    const { prompt, answer } = job;
    const generation: Generation = {
      index: job.index,
      model: job.model,
      prompt,
      answer,
      tokensMax: job.tokensMax,
      listener,
      promptTokens: prompt.length,
      outputTokens: answer.tokens.length,
      keys: options.prefixCaching ? this.#keysOf(job) : new Float64Array(0),
      readsCache: options.prefixCaching && job.readsCache,
      arrivedMs: performance.now(),
      sequence: undefined,
      deliveredTokens: 0,
      firstTokenMs: undefined,
      lastTokenMs: undefined,
      finish: undefined,
    };
    this.#inFlight.add(generation);
    this.#backlogTokens += prompt.length;
    generation.sequence = this.#loop.add(generation);
    return generation;
  }

  /** The client left: frees what the engine holds for it. */
  abort(generation: Generation): void {
    if (!this.#inFlight.delete(generation)) return;
    if (generation.firstTokenMs === undefined) this.#backlogTokens -= generation.promptTokens;
    this.engine.abort(generation.sequence!);
  }

  /** Ends everything in flight with finish_reason "abort", as a vLLM process that shuts down. */
  abortAll(): void {
    for (const generation of this.#inFlight) this.end(generation);
  }

  /** Ends one generation with finish_reason "abort". */
  end(generation: Generation): void {
    this.abort(generation);
    generation.finish = 'abort';
    this.metrics.success.abort += 1;
    generation.listener.token(generation, -1, 'abort');
  }

  /** Ends everything in flight with an error. */
  failAll(error: ApiError): void {
    for (const generation of this.#inFlight) {
      this.abort(generation);
      generation.listener.fail(error);
    }
  }

  /** Computes nothing until `resume`; requests wait. */
  pause(): void {
    this.#loop.pause();
  }

  resume(): void {
    this.#loop.resume();
  }

  stop(): void {
    this.#loop.stop();
  }

  #keysOf({ prompt, answer, model, salt }: Job): Float64Array {
    const tokens = new Int32Array(prompt.length + answer.tokens.length);
    tokens.set(prompt);
    tokens.set(answer.tokens, prompt.length);
    const seed = salt === undefined ? hashText(model) : hashText(`${model}\n${salt}`);
    return blockKeys(tokens, this.options.blockTokens, seed);
  }

  #deliver(produced: readonly Sequence<Generation>[]): void {
    const nowMs = performance.now();
    for (const sequence of produced) {
      const generation = sequence.request;
      if (!this.#inFlight.has(generation)) continue;
      const at = sequence.generatedTokens - 1;
      generation.deliveredTokens = sequence.generatedTokens;
      this.#count(generation, nowMs);
      const finish: FinishReason | undefined = sequence.state === 'done' ? generation.answer.finishReason : undefined;
      if (finish !== undefined) {
        generation.finish = finish;
        this.#inFlight.delete(generation);
        this.#countFinished(generation, nowMs);
      }
      generation.listener.token(generation, at, finish);
    }
    const { gauges } = this.metrics;
    gauges.running = this.engine.running;
    gauges.waiting = this.engine.waiting;
    gauges.usage = this.engine.usage;
  }

  #count(generation: Generation, nowMs: number): void {
    const { metrics } = this;
    metrics.generationTokens += 1;
    if (generation.firstTokenMs === undefined) {
      generation.firstTokenMs = nowMs;
      this.#backlogTokens -= generation.promptTokens;
      metrics.promptTokens += generation.promptTokens;
      metrics.cachedPromptTokens += generation.sequence?.cachedTokens ?? 0;
      metrics.histograms['vllm:time_to_first_token_seconds'].observe((nowMs - generation.arrivedMs) / 1000);
    } else {
      metrics.histograms['vllm:inter_token_latency_seconds'].observe((nowMs - generation.lastTokenMs!) / 1000);
    }
    generation.lastTokenMs = nowMs;
  }

  #countFinished(generation: Generation, nowMs: number): void {
    const { success, histograms } = this.metrics;
    success[generation.finish === 'length' ? 'length' : 'stop'] += 1;
    histograms['vllm:request_prompt_tokens'].observe(generation.promptTokens);
    histograms['vllm:request_generation_tokens'].observe(generation.outputTokens);
    histograms['vllm:e2e_request_latency_seconds'].observe((nowMs - generation.arrivedMs) / 1000);
    if (generation.outputTokens > 1) {
      const decodeS = (nowMs - generation.firstTokenMs!) / 1000;
      histograms['vllm:request_time_per_output_token_seconds'].observe(decodeS / (generation.outputTokens - 1));
    }
  }
}
