// server-metrics.ts: the counters behind /metrics and how vLLM prints them.

import type { EngineTotals } from './engine/engine.ts';
import type { SimulatorOptions } from './options.ts';

const secondsBuckets = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560];
const latencyBuckets = [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680];
const tokenBuckets = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000];

class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.#sum += value;
    this.#count += 1;
    for (let at = 0; at < this.#bounds.length; at++) {
      if (value > this.#bounds[at]!) continue;
      this.#counts[at]! += 1;
      return;
    }
  }

  print(name: string, labels: string): string[] {
    let seen = 0;
    const lines = this.#bounds.map((bound, at) => {
      seen += this.#counts[at]!;
      return `${name}_bucket{engine="0",le="${float(bound)}",${labels}} ${float(seen)}`;
    });
    lines.push(`${name}_bucket{engine="0",le="+Inf",${labels}} ${float(this.#count)}`);
    return [...lines, `${name}_count{engine="0",${labels}} ${float(this.#count)}`, `${name}_sum{engine="0",${labels}} ${this.#sum}`];
  }
}

/** What the engine looked like when the last step ended: vLLM's gauges lag by a step. */
export interface Gauges {
  running: number;
  waiting: number;
  usage: number;
}

export class ServerMetrics {
  readonly startedS = Date.now() / 1000;
  readonly gauges: Gauges = { running: 0, waiting: 0, usage: 0 };
  promptTokens = 0;
  cachedPromptTokens = 0;
  generationTokens = 0;
  readonly success = { stop: 0, length: 0, abort: 0, error: 0, repetition: 0 };
  readonly rejections = { max_num_queued_reqs: 0, max_num_queued_tokens: 0 };
  readonly histograms = {
    'vllm:request_prompt_tokens': new Histogram(tokenBuckets),
    'vllm:request_generation_tokens': new Histogram(tokenBuckets),
    'vllm:time_to_first_token_seconds': new Histogram(secondsBuckets),
    'vllm:inter_token_latency_seconds': new Histogram(secondsBuckets),
    'vllm:request_time_per_output_token_seconds': new Histogram(secondsBuckets),
    'vllm:e2e_request_latency_seconds': new Histogram(latencyBuckets),
  };
  readonly #httpRequests = new Map<string, number>();

  countHttp(handler: string, method: string, status: number): void {
    const labels = `handler="${handler}",method="${method}",status="${Math.floor(status / 100)}xx"`;
    this.#httpRequests.set(labels, (this.#httpRequests.get(labels) ?? 0) + 1);
  }

  print(options: SimulatorOptions, totals: EngineTotals, asleep: boolean): string {
    const model = `model_name="${options.model}"`;
    const one = `{engine="0",${model}}`;
    const lines: string[] = [];
    const family = (name: string, type: string, help: string, samples: readonly string[]): void => {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples);
    };
    const single = (name: string, type: string, help: string, value: number): void => {
      family(name, type, help, [`${name}${one} ${float(value)}`]);
      if (type === 'counter') family(`${name.slice(0, -6)}_created`, 'gauge', help, [`${name.slice(0, -6)}_created${one} ${this.startedS}`]);
    };
    family('process_start_time_seconds', 'gauge', 'Start time of the process since unix epoch in seconds.', [`process_start_time_seconds ${this.startedS}`]);
    single('vllm:num_requests_running', 'gauge', 'Number of requests in model execution batches.', this.gauges.running);
    single('vllm:num_requests_waiting', 'gauge', 'Number of requests waiting to be processed.', this.gauges.waiting);
    family('vllm:num_requests_waiting_by_reason', 'gauge', 'Number of waiting requests by reason.', [
      `vllm:num_requests_waiting_by_reason{engine="0",${model},reason="capacity"} ${float(this.gauges.waiting)}`,
      `vllm:num_requests_waiting_by_reason{engine="0",${model},reason="deferred"} 0.0`,
    ]);
    family('vllm:engine_sleep_state', 'gauge', 'Engine sleep state.', [
      `vllm:engine_sleep_state{engine="0",${model},sleep_state="awake"} ${float(asleep ? 0 : 1)}`,
      `vllm:engine_sleep_state{engine="0",${model},sleep_state="weights_offloaded"} ${float(asleep ? 1 : 0)}`,
      `vllm:engine_sleep_state{engine="0",${model},sleep_state="discard_all"} 0.0`,
    ]);
    single('vllm:kv_cache_usage_perc', 'gauge', 'KV-cache usage. 1 means 100 percent usage.', this.gauges.usage);
    single('vllm:prefix_cache_queries_total', 'counter', 'Prefix cache queries, in terms of number of queried tokens.', totals.cacheQueries);
    single('vllm:prefix_cache_hits_total', 'counter', 'Prefix cache hits, in terms of number of cached tokens.', totals.cacheHits);
    single('vllm:num_preemptions_total', 'counter', 'Cumulative number of preemption from the engine.', totals.preemptions);
    single('vllm:prompt_tokens_total', 'counter', 'Number of prefill tokens processed.', this.promptTokens);
    single('vllm:prompt_tokens_cached_total', 'counter', 'Number of cached prompt tokens (local + external).', this.cachedPromptTokens);
    family('vllm:prompt_tokens_by_source_total', 'counter', 'Number of prompt tokens by source.', [
      `vllm:prompt_tokens_by_source_total{engine="0",${model},source="local_compute"} ${float(this.promptTokens - this.cachedPromptTokens)}`,
      `vllm:prompt_tokens_by_source_total{engine="0",${model},source="local_cache_hit"} ${float(this.cachedPromptTokens)}`,
      `vllm:prompt_tokens_by_source_total{engine="0",${model},source="external_kv_transfer"} 0.0`,
    ]);
    single('vllm:generation_tokens_total', 'counter', 'Number of generation tokens processed.', this.generationTokens);
    family('vllm:request_success_total', 'counter', 'Count of successfully processed requests.',
      Object.entries(this.success).map(([reason, count]) => `vllm:request_success_total{engine="0",finished_reason="${reason}",${model}} ${float(count)}`));
    family('vllm:admission_rejections_total', 'counter', 'Number of admission attempts rejected by a queue limit, by reason.',
      Object.entries(this.rejections).map(([reason, count]) => `vllm:admission_rejections_total{${model},reason="${reason}"} ${float(count)}`));
    for (const [name, histogram] of Object.entries(this.histograms)) family(name, 'histogram', `Histogram of ${name.slice(5)}.`, histogram.print(name, model));
    family('vllm:cache_config_info', 'gauge', 'Information of the LLMEngine CacheConfig', [`vllm:cache_config_info{${cacheConfig(options)}} 1.0`]);
    family('http_requests_total', 'counter', 'Total number of requests by method, status and handler.',
      [...this.#httpRequests].map(([labels, count]) => `http_requests_total{${labels}} ${float(count)}`));
    return `${lines.join('\n')}\n`;
  }
}

function cacheConfig(options: SimulatorOptions): string {
  const tokens = (options.blocks - 1) * options.blockTokens;
  const labels: Record<string, string | number> = {
    block_size: options.blockTokens,
    cache_dtype: 'auto',
    enable_prefix_caching: options.prefixCaching ? 'True' : 'False',
    engine: 0,
    gpu_memory_utilization: '0.92',
    kv_cache_max_concurrency: float(tokens / options.modelTokensMax),
    kv_cache_size_tokens: tokens,
    num_gpu_blocks: options.blocks,
    prefix_caching_hash_algo: 'sha256',
    sliding_window: 'None',
  };
  return Object.entries(labels).map(([name, value]) => `${name}="${value}"`).join(',');
}

/** A number as Python prints a float. */
function float(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value);
}
