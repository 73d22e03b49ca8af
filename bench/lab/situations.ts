// situations.ts: what becomes of our policy when things are not as it was told.

import type { Job, Result } from './job.ts';
import { situations, type SituationName } from './situation.ts';
import { geometricMean, rowsOf } from './standings.ts';
import { percent } from './table.ts';

const WORKLOADS = ['qa 120 users 0.5/s, system 1000', 'chat 8/s', 'thrash 12/s', 'hot 30/s', 'agent 0.1/s'] as const;

/** Our policy in every situation, and the one that knows nothing and so cannot be misled. */
export function situationJobs(seeds: readonly number[]): Job[] {
  const names = Object.keys(situations) as SituationName[];
  return names.flatMap((situation) =>
    WORKLOADS.flatMap((workload) => (['prefix-cost', 'least-request'] as const).flatMap((policy) => seeds.map((seed) => ({ workload, policy, situation, seed })))),
  );
}

export interface Disturbed {
  readonly situation: SituationName;
  /** Mean TTFT relative to the same workload undisturbed: geometric mean, and each. */
  readonly ratio: number;
  readonly worst: number;
  /** Relative to least-request in the same situation. */
  readonly besideLeastRequest: number;
  readonly predictionError: number;
}

export function disturbedOf(results: readonly Result[]): Disturbed[] {
  const of = (situation: SituationName) => rowsOf(results.filter((result) => result.situation === situation && WORKLOADS.includes(result.workload as (typeof WORKLOADS)[number])));
  const plain = new Map(of('plain').map(({ workload, standings }) => [workload, standings.get('prefix-cost')!.measures.ttftMeanS]));
  return (Object.keys(situations) as SituationName[]).map((situation) => {
    const rows = of(situation).filter(({ workload }) => plain.has(workload));
    const own = rows.map(({ standings }) => standings.get('prefix-cost')!);
    const ratios = rows.map(({ workload }, at) => own[at]!.measures.ttftMeanS / plain.get(workload)!);
    return {
      situation,
      ratio: geometricMean(ratios),
      worst: Math.max(...ratios),
      besideLeastRequest: geometricMean(rows.map(({ standings }, at) => own[at]!.ratio / standings.get('least-request')!.ratio)),
      predictionError: own.reduce((sum, { measures }) => sum + measures.predictionError, 0) / own.length,
    };
  });
}

export function situationsTable(results: readonly Result[]): string {
  const lines = disturbedOf(results).map(({ situation, ratio, worst, besideLeastRequest, predictionError }) =>
    `${situation.padEnd(22)}${ratio.toFixed(3).padStart(10)}${worst.toFixed(3).padStart(10)}${besideLeastRequest.toFixed(3).padStart(18)}${percent(predictionError).padStart(14)}`);
  const head = `${'prefix-cost'.padEnd(22)}${'TTFT'.padStart(10)}${'worst'.padStart(10)}${'÷ least-request'.padStart(18)}${'prediction'.padStart(14)}`;
  return ['In other situations: mean TTFT relative to the same workload undisturbed', head, ...lines, ''].join('\n');
}
