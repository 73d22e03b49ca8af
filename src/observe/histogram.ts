// histogram.ts: a histogram that is counted into by whoever holds its series: prom-client's looks its series up by a hash of all labels, 0.7 to 1 µs an observation.

import type { Histogram, Registry } from 'prom-client';

/** The observations with one set of labels. */
export interface Tally {
  observe(value: number): void;
}

export interface HistogramOptions {
  readonly name: string;
  readonly help: string;
  /** Upper bounds, ascending. */
  readonly buckets: readonly number[];
}

/** What prom-client takes for a line of text. */
interface Sample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  /** Made text of once for each object: with 1,000 models on two listeners a scrape takes 70 ms instead of 160. */
  readonly sharedLabels: Readonly<Record<string, string>>;
  readonly value: number;
}

const NO_LABELS = {};

class Series implements Tally {
  readonly #labels: Readonly<Record<string, string>>;
  readonly #buckets: readonly number[];
  /** Observations that belong to no bucket before; the last one has no upper bound. */
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(labels: Readonly<Record<string, string>>, buckets: readonly number[]) {
    this.#labels = labels;
    this.#buckets = buckets;
    this.#counts = new Float64Array(buckets.length + 1);
  }

  observe(value: number): void {
    const buckets = this.#buckets;
    let bucket = 0;
    while (bucket < buckets.length && value > buckets[bucket]!) bucket += 1;
    this.#counts[bucket]! += 1;
    this.#sum += value;
  }

  /** None while nothing was observed. */
  samples(name: string): Sample[] {
    let count = 0;
    const samples = Array.from(this.#counts, (more, i): Sample => {
      count += more;
      return { metricName: `${name}_bucket`, labels: { le: this.#buckets[i] ?? '+Inf' }, sharedLabels: this.#labels, value: count };
    });
    if (count === 0) return [];
    const sharedLabels = this.#labels;
    return [...samples, { metricName: `${name}_sum`, labels: NO_LABELS, sharedLabels, value: this.#sum }, { metricName: `${name}_count`, labels: NO_LABELS, sharedLabels, value: count }];
  }
}

/** Registers it. Gives what makes a series: once for each set of labels, to be kept. */
export function createHistogram(registry: Registry, { name, help, buckets }: HistogramOptions): (labels: Readonly<Record<string, string>>) => Tally {
  const all: Series[] = [];
  const metric = { name, help, type: 'histogram', aggregator: 'sum', get: () => ({ name, help, type: 'histogram', aggregator: 'sum', values: all.flatMap((series) => series.samples(name)) }) };
  // Of a metric a registry reads the name and what `get` gives; the types know only prom-client's own classes.
  registry.registerMetric(metric as unknown as Histogram);
  return (labels) => {
    const series = new Series(labels, buckets);
    all.push(series);
    return series;
  };
}
