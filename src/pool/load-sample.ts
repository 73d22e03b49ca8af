// load-sample.ts: what an engine says about itself in one scrape.

import { type Labels, scanMetrics } from './metrics-text.ts';

/** One scrape of one endpoint, summed over its engines. A field is undefined when the engine does not export it. */
export interface LoadSample {
  /** On the clock of the process, not the engine's. */
  readonly atMs: number;
  readonly running: number | undefined;
  readonly waiting: number | undefined;
  /** Share of the KV cache in use by running requests (0..1), the mean of the engines. What is cached but free counts as free. */
  readonly kvUsage: number | undefined;
  /** Tokens in a block. */
  readonly blockSize: number | undefined;
  /** Tokens that fit into the KV cache. */
  readonly capacityTokens: number | undefined;
  /** Whether the engine reuses prefixes at all. */
  readonly prefixCaching: boolean | undefined;
  readonly prefixQueriesTotal: number | undefined;
  readonly prefixHitsTotal: number | undefined;
  /** Of its engines, one at least. */
  readonly asleep: boolean | undefined;
  /** Steps that the scheduler has taken. */
  readonly stepsTotal: number | undefined;
  /** Unix time in seconds. */
  readonly processStartS: number | undefined;
}

const RUNNING = 'vllm:num_requests_running';
const WAITING = 'vllm:num_requests_waiting';
const KV_USAGE = 'vllm:kv_cache_usage_perc';
const CACHE_CONFIG = 'vllm:cache_config_info';
const SLEEP_STATE = 'vllm:engine_sleep_state';
const STEPS = 'vllm:iteration_tokens_total_count';
const PROCESS_START = 'process_start_time_seconds';
/** Newer exporters add `_total`; where both are there, they are the same counter. */
const PREFIX_QUERIES = ['vllm:prefix_cache_queries_total', 'vllm:prefix_cache_queries'] as const;
const PREFIX_HITS = ['vllm:prefix_cache_hits_total', 'vllm:prefix_cache_hits'] as const;

const WANTED: ReadonlySet<string> = new Set([RUNNING, WAITING, KV_USAGE, CACHE_CONFIG, SLEEP_STATE, STEPS, PROCESS_START, ...PREFIX_QUERIES, ...PREFIX_HITS]);

/** Reads the Prometheus text of one endpoint. Never throws: what is absent or no number stays undefined. */
export function readLoadSample(text: string, atMs: number): LoadSample {
  const values = new Map<string, number[]>();
  const engines = new Set<string>();
  const capacities: number[] = [];
  let blockSize: number | undefined;
  let prefixCaching: boolean | undefined;
  let asleep: boolean | undefined;
  scanMetrics(text, WANTED, (name, labels, value) => {
    if (name === CACHE_CONFIG) {
      blockSize ??= numberIn(labels, 'block_size');
      prefixCaching ??= truthIn(labels, 'enable_prefix_caching');
      const capacity = capacityOf(labels);
      if (capacity !== undefined) capacities.push(capacity);
    } else if (name === SLEEP_STATE) {
      if (labels.get('sleep_state') === 'awake') asleep = asleep === true || value === 0;
    } else if (Number.isFinite(value)) {
      const seen = values.get(name);
      if (seen === undefined) values.set(name, [value]);
      else seen.push(value);
      if (name === RUNNING) engines.add(labels.get('engine') ?? '');
    }
  });
  return {
    atMs,
    running: sum(values.get(RUNNING)),
    waiting: sum(values.get(WAITING)),
    kvUsage: mean(values.get(KV_USAGE)),
    blockSize,
    capacityTokens: capacities.length === 0 ? undefined : Math.round((mean(capacities) ?? 0) * Math.max(engines.size, capacities.length)),
    prefixCaching,
    prefixQueriesTotal: sum(values.get(PREFIX_QUERIES[0]) ?? values.get(PREFIX_QUERIES[1])),
    prefixHitsTotal: sum(values.get(PREFIX_HITS[0]) ?? values.get(PREFIX_HITS[1])),
    asleep,
    stepsTotal: sum(values.get(STEPS)),
    processStartS: values.get(PROCESS_START)?.[0],
  };
}

/** Of one engine. Block 0 is a placeholder that holds nothing. */
function capacityOf(labels: Labels): number | undefined {
  const blocks = numberIn(labels, 'num_gpu_blocks');
  const blockSize = numberIn(labels, 'block_size');
  if (blocks !== undefined && blocks > 1 && blockSize !== undefined) return (blocks - 1) * blockSize;
  return numberIn(labels, 'kv_cache_size_tokens');
}

/** The engine writes numbers as text, and `None` for what it does not know. */
function numberIn(labels: Labels, name: string): number | undefined {
  const value = Number.parseInt(labels.get(name) ?? '', 10);
  return Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

/** As Python writes it. */
function truthIn(labels: Labels, name: string): boolean | undefined {
  const value = labels.get(name)?.toLowerCase();
  return value === 'true' || value === 'false' ? value === 'true' : undefined;
}

function sum(values: readonly number[] | undefined): number | undefined {
  return values?.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[] | undefined): number | undefined {
  return values === undefined ? undefined : (sum(values) ?? 0) / values.length;
}

/** Whether the engine's process began anew between the two samples: its start moved, or what can only grow fell. */
export function restartedBetween(before: LoadSample, after: LoadSample): boolean {
  return (
    (before.processStartS !== undefined && after.processStartS !== undefined && before.processStartS !== after.processStartS) ||
    fell(before.prefixQueriesTotal, after.prefixQueriesTotal) ||
    fell(before.prefixHitsTotal, after.prefixHitsTotal)
  );
}

function fell(before: number | undefined, after: number | undefined): boolean {
  return before !== undefined && after !== undefined && after < before;
}
