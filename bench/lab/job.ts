// job.ts: one run of the lab by its names, so that it can cross to another thread.

import { catalogue } from './catalogue.ts';
import { type Measures, measure } from './measures.ts';
import { policies, type PolicyId } from './policies.ts';
import { run } from './run.ts';
import { situations, type SituationName } from './situation.ts';

export interface Job {
  readonly workload: string;
  readonly policy: PolicyId;
  readonly situation: SituationName;
  readonly seed: number;
}

export interface Result extends Job {
  readonly measures: Measures;
}

/** The same job always gives the same result. */
export function perform(job: Job, tracesDir: string): Result {
  const found = catalogue.find(({ name }) => name === job.workload);
  if (found === undefined) throw new Error(`No workload is named '${job.workload}'`);
  const { fleet } = found;
  const measures = measure(run({ fleet, workload: found.workload(tracesDir), seed: job.seed, router: policies[job.policy], situation: situations[job.situation] }));
  return { ...job, measures };
}
