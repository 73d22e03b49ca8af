// situations.ts: what becomes of our policy when things are not as it was told.

import type { Job, Result } from './job.ts';
import { situations, type SituationName } from './situation.ts';
import { geometricMean, rowsOf } from './standings.ts';
import { percent } from './table.ts';

const WORKLOADS: readonly string[] = ['qa 120 users 0.5/s, system 1000', 'chat 8/s', 'thrash 12/s', 'hot 30/s', 'agent 0.1/s'];

/** Our policy in every situation but the plain one, and the policy that knows nothing and so cannot be misled. */
export function situationJobs(seeds: readonly number[]): Job[] {
  const names = (Object.keys(situations) as SituationName[]).filter((name) => name !== 'plain');
  return names.flatMap((situation) =>
    WORKLOADS.flatMap((workload) => (['prefix-cost', 'least-request'] as const).flatMap((policy) => seeds.map((seed) => ({ workload, policy, situation, seed })))),
  );
}

export interface Disturbed {
  readonly situation: SituationName;
  /** Mean TTFT relative to the same workload undisturbed: geometric mean, and the worst. */
  readonly ratio: number;
  readonly worst: number;
  /** Relative to the situation that differs only in that the capacity was told right: geometric mean. */
  readonly besideToldRight: number;
  /** Relative to least-request in the same situation. */
  readonly besideLeastRequest: number;
  readonly predictionError: number;
  /** From the request on by which a belief about capacity has to be mended: of the workload where it is largest, and which that is. */
  readonly settledError: number;
  readonly settledErrorAt: string;
}

/** Of the situations that were run; `results` hold the plain one too. */
export function disturbedOf(results: readonly Result[]): Disturbed[] {
  const rowsIn = (situation: SituationName) => rowsOf(results.filter((result) => result.situation === situation && WORKLOADS.includes(result.workload)));
  return (Object.keys(situations) as SituationName[]).flatMap((situation) => {
    const rows = rowsIn(situation);
    if (rows.length === 0) return [];
    const own = rows.map(({ standings }) => standings.get('prefix-cost')!);
    const ratiosTo = (other: SituationName): number[] => {
      const others = new Map(rowsIn(other).map(({ workload, standings }) => [workload, standings.get('prefix-cost')!.measures.ttftMeanS]));
      return rows.map(({ workload }, at) => own[at]!.measures.ttftMeanS / (others.get(workload) ?? NaN));
    };
    const ratios = ratiosTo('plain');
    const settled = own.map(({ measures }) => measures.settledError);
    const settledError = Math.max(...settled);
    return [{
      situation,
      ratio: geometricMean(ratios),
      worst: Math.max(...ratios),
      besideToldRight: geometricMean(ratiosTo(situations[situation].missingShare === 0 ? 'plain' : 'missing')),
      besideLeastRequest: geometricMean(rows.map(({ standings }, at) => own[at]!.ratio / standings.get('least-request')!.ratio)),
      predictionError: own.reduce((sum, { measures }) => sum + measures.predictionError, 0) / own.length,
      settledError,
      settledErrorAt: rows[settled.findIndex((error) => Object.is(error, settledError))]!.workload,
    }];
  });
}

export function situationsTable(results: readonly Result[]): string {
  const lines = disturbedOf(results).map(({ situation, ratio, worst, besideLeastRequest, predictionError, settledError }) =>
    `${situation.padEnd(22)}${ratio.toFixed(3).padStart(10)}${worst.toFixed(3).padStart(10)}${besideLeastRequest.toFixed(3).padStart(18)}${percent(predictionError).padStart(14)}${percent(settledError).padStart(22)}`);
  const head = `${'prefix-cost'.padEnd(22)}${'TTFT'.padStart(10)}${'worst'.padStart(10)}${'÷ least-request'.padStart(18)}${'prediction'.padStart(14)}${'from 2,001 on, worst'.padStart(22)}`;
  return ['In other situations: mean TTFT relative to the same workload undisturbed', head, ...lines, ''].join('\n');
}
