// samples.ts: what must not grow with time, sampled, and whether it did.

import type { Figure } from '../faults/result.ts';
import { sum } from '../load/statistics.ts';

/** One look at the router. */
export interface Sample {
  readonly heapMib: number;
  readonly residentMib: number;
  readonly sockets: number;
  readonly timers: number;
  readonly inFlight: number;
}

export interface Flatness {
  readonly name: string;
  readonly thirds: readonly [first: number, middle: number, last: number];
  /** The last third may be so much above the middle one. */
  readonly allowance: number;
  readonly flat: boolean;
}

const MIB = 1024 * 1024;
/** Of the middle third, and at least so much of each. */
const GROWTH_SHARE_MAX = 0.1;
const LEAST: Readonly<Record<keyof Sample, number>> = { heapMib: 3, residentMib: 16, sockets: 20, timers: 20, inFlight: 20 };
const NAMES: Readonly<Record<keyof Sample, string>> = {
  heapMib: 'heap after GC, MiB',
  residentMib: 'resident, MiB',
  sockets: 'sockets',
  timers: 'timers',
  inFlight: 'in flight',
};

/** What weigh-in-process.ts writes. */
export interface Weighed {
  readonly heapBytes: number;
  readonly residentBytes: number;
  readonly timers: number;
  readonly sockets: number;
}

/** Throws when the gauge is not there: an absent figure would look flat. */
export function sampleOf({ heapBytes, residentBytes, timers, sockets }: Weighed, metrics: ReadonlyMap<string, number>): Sample {
  const inFlight = [...metrics].filter(([name]) => name.startsWith('warmroute_in_flight_requests'));
  if (inFlight.length === 0) throw new Error('the router has no metric warmroute_in_flight_requests');
  return { heapMib: heapBytes / MIB, residentMib: residentBytes / MIB, timers, sockets, inFlight: sum(inFlight.map(([, value]) => value)) };
}

/** The means of the last third against those of the middle one. */
export function flatnessOf(samples: readonly Sample[]): readonly Flatness[] {
  const third = Math.floor(samples.length / 3);
  if (third === 0) throw new RangeError('too few samples to compare thirds');
  return (Object.keys(NAMES) as (keyof Sample)[]).map((key) => {
    const mean = (from: number): number => sum(samples.slice(from, from + third).map((sample) => sample[key])) / third;
    const [first, middle, last] = [mean(0), mean(third), mean(samples.length - third)];
    const allowance = Math.max(LEAST[key], GROWTH_SHARE_MAX * middle);
    return { name: NAMES[key], thirds: [first, middle, last], allowance, flat: last - middle <= allowance };
  });
}

export function isFlat(flatness: readonly Flatness[], figures: readonly Figure[]): boolean {
  return flatness.every(({ flat }) => flat) && figures.every(({ met }) => met);
}
