// standings.ts: who was how much worse than the best, workload by workload.

import { sum } from '../load/statistics.ts';
import type { Result } from './job.ts';
import type { Measures } from './measures.ts';
import type { PolicyId } from './policies.ts';

/** The mean over the seeds. */
export interface Standing {
  readonly policy: PolicyId;
  readonly measures: Measures;
  /** Mean TTFT as a multiple of the best policy's. */
  readonly ratio: number;
}

export interface Row {
  readonly workload: string;
  readonly best: Standing;
  readonly standings: ReadonlyMap<PolicyId, Standing>;
}

export interface Summary {
  readonly policy: PolicyId;
  readonly geometricMean: number;
  readonly worst: number;
  readonly worstAt: string;
  readonly hitRatio: number;
  /** Geometric means of multiples of the best policy's. */
  readonly ttftP99: number;
  readonly e2e: number;
  readonly imbalance: number;
  readonly predictionError: number;
}

/** In the order in which workloads and policies first appear. */
export function rowsOf(results: readonly Result[]): Row[] {
  return [...Map.groupBy(results, ({ workload }) => workload)].map(([workload, of]) => {
    const means = [...Map.groupBy(of, ({ policy }) => policy)].map(([policy, runs]) => ({ policy, measures: meanOf(runs.map((run) => run.measures)) }));
    const leastS = Math.min(...means.map(({ measures }) => measures.ttftMeanS));
    const standings = means.map(({ policy, measures }): Standing => ({ policy, measures, ratio: measures.ttftMeanS / leastS }));
    return { workload, best: standings.find(({ ratio }) => ratio === 1)!, standings: new Map(standings.map((standing) => [standing.policy, standing])) };
  });
}

export function summariesOf(rows: readonly Row[]): Summary[] {
  const names = rows[0] === undefined ? [] : [...rows[0].standings.keys()];
  return names.map((policy) => {
    const own = rows.map(({ standings }) => standings.get(policy)!);
    const worst = Math.max(...own.map(({ ratio }) => ratio));
    const relative = (pick: (measures: Measures) => number): number =>
      geometricMean(rows.map(({ standings }, at) => pick(own[at]!.measures) / Math.min(...[...standings.values()].map(({ measures }) => pick(measures)))));
    const average = (pick: (measures: Measures) => number): number => sum(own.map(({ measures }) => pick(measures))) / own.length;
    return {
      policy,
      geometricMean: geometricMean(own.map(({ ratio }) => ratio)),
      worst,
      worstAt: rows[own.findIndex(({ ratio }) => ratio === worst)]!.workload,
      hitRatio: average((measures) => measures.hitRatio),
      ttftP99: relative((measures) => measures.ttftP99S),
      e2e: relative((measures) => measures.e2eMeanS),
      imbalance: average((measures) => measures.momentaryImbalance),
      predictionError: average((measures) => measures.predictionError),
    };
  });
}

/** Where the policy does worst beside another one: their TTFT's ratio and the workload. */
export function worstBeside(rows: readonly Row[], policy: PolicyId, other: PolicyId): { readonly ratio: number; readonly workload: string } | undefined {
  let worst: { ratio: number; workload: string } | undefined;
  for (const { workload, standings } of rows) {
    const [own, others] = [standings.get(policy), standings.get(other)];
    if (own === undefined || others === undefined) return undefined;
    const ratio = own.ratio / others.ratio;
    if (worst === undefined || ratio > worst.ratio) worst = { ratio, workload };
  }
  return worst;
}

export function geometricMean(ratios: readonly number[]): number {
  return Math.exp(sum(ratios.map(Math.log)) / ratios.length);
}

function meanOf(runs: readonly Measures[]): Measures {
  const keys = Object.keys(runs[0]!) as (keyof Measures)[];
  return Object.fromEntries(keys.map((key) => [key, sum(runs.map((run) => run[key])) / runs.length])) as unknown as Measures;
}
