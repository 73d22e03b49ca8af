// lab.ts: a scenario in virtual time: some workload on some replicas under one policy.

import { type Measures, measure } from '../../bench/lab/measures.ts';
import { policies, type PolicyId } from '../../bench/lab/policies.ts';
import { type Run, run, type Workload } from '../../bench/lab/run.ts';
import { PLAIN, type Situation } from '../../bench/lab/situation.ts';
import { presets } from '../../bench/simulator/engine/step-time.ts';

export interface Scenario {
  readonly workload: Workload;
  readonly seed: number;
  readonly policy?: PolicyId;
  readonly replicas?: number;
  readonly preset?: keyof typeof presets;
  readonly situation?: Partial<Situation>;
}

export function play({ workload, seed, policy = 'prefix-cost', replicas = 4, preset = 'L', situation = {} }: Scenario): Run & { readonly measures: Measures } {
  const played = run({ workload, seed, router: policies[policy], fleet: { replicas, preset: presets[preset] }, situation: { ...PLAIN, ...situation } });
  return { ...played, measures: measure(played) };
}

/** Share of the requests that arrived within the span which went to each replica. */
export function sharesBetween({ exchanges }: Run, fromS: number, toS: number, replicas: number): number[] {
  const within = exchanges.filter(({ arrivedS }) => arrivedS >= fromS && arrivedS < toS);
  return Array.from({ length: replicas }, (_, at) => within.filter(({ replica }) => replica === at).length / within.length);
}

/** Mean TTFT of the requests that arrived within the span. */
export function ttftBetweenS({ exchanges }: Run, fromS: number, toS: number): number {
  const within = exchanges.filter(({ arrivedS, firstTokenS }) => arrivedS >= fromS && arrivedS < toS && firstTokenS !== undefined);
  return within.reduce((sum, { arrivedS, firstTokenS }) => sum + firstTokenS! - arrivedS, 0) / within.length;
}
