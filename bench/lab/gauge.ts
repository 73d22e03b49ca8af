// gauge.ts: how evenly requests in flight were spread, looked at once a virtual second.

export interface Gauge {
  note(inFlight: readonly number[]): void;
  /** The fullest replica's requests over the mean's, each moment counted by how much was in flight; NaN for an idle run. */
  momentaryImbalance(): number;
  /** The replica that had most in flight over the whole run, over the mean of all. */
  lastingImbalance(): number;
}

export function createGauge(): Gauge {
  let most = 0;
  let mean = 0;
  const totals: number[] = [];
  return {
    note(inFlight) {
      let sum = 0;
      let largest = 0;
      inFlight.forEach((count, at) => {
        sum += count;
        largest = Math.max(largest, count);
        totals[at] = (totals[at] ?? 0) + count;
      });
      most += largest;
      mean += sum / inFlight.length;
    },
    momentaryImbalance: () => most / mean,
    lastingImbalance: () => (Math.max(...totals) * totals.length) / totals.reduce((sum, total) => sum + total, 0),
  };
}
