// main.ts: `npm run bench:lab`: our policy against everybody else's, in virtual time.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createProgress } from '../load/progress.ts';
import { type Case, catalogue, type Group } from './catalogue.ts';
import { performAll } from './crew.ts';
import type { Job, Result } from './job.ts';
import { policies, type PolicyId } from './policies.ts';
import { reportPage } from './report.ts';
import type { SituationName } from './situation.ts';
import { situationJobs, situationsTable } from './situations.ts';
import { rowsOf } from './standings.ts';
import { standingsTable } from './table.ts';
import { type Verdict, verdictsOf, verdictsText } from './verdicts.ts';

const USAGE = `npm run bench:lab -- [options]

  --full             every workload, policy and situation (default: a short selection)
  --only TEXT        workloads whose name contains TEXT
  --policies A,B     these policies (with --full: situations too, where prefix-cost and least-request are among them)
  --seeds 1,2,3      one run for each (default: 1; with --full 1,2,3)
  --traces DIR       where the Mooncake traces are (default: ../shared/traces, beside this project)
  --out FILE         the report (default: bench/results/lab.html; the figures beside it as .json)
  --processes N      (default: one for each core)

Prints the targets beside the figures of what was run; with --full, exits with 1 when one is missed.`;

const QUICK_POLICIES: readonly PolicyId[] = ['prefix-cost', 'least-request', 'session-hash', 'seed-threshold', 'gie', 'sglang', 'lmetric'];
const GROUPS: Readonly<Record<Group, string>> = { load: 'Under load', low: 'At low load', other: 'Other engines and sizes' };

const { values } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    only: { type: 'string' },
    policies: { type: 'string' },
    seeds: { type: 'string' },
    traces: { type: 'string', default: fileURLToPath(new URL('../../../shared/traces', import.meta.url)) },
    out: { type: 'string', default: fileURLToPath(new URL('../results/lab.html', import.meta.url)) },
    processes: { type: 'string', default: String(availableParallelism()) },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(USAGE);
else await main();

async function main(): Promise<void> {
  const cases = chosenCases();
  const seeds = (values.seeds ?? (values.full ? '1,2,3' : '1')).split(',').map(Number);
  const compared = jobsOf(cases, chosenPolicies(), seeds);
  const disturbed = values.full && values.only === undefined && isCompared() ? situationJobs(seeds) : [];
  const results = await performed([...compared, ...disturbed]);

  const plain = results.slice(0, compared.length);
  for (const [group, title] of Object.entries(GROUPS)) {
    const names = new Set(cases.filter((each) => each.group === group).map(({ name }) => name));
    const rows = rowsOf(plain.filter(({ workload }) => names.has(workload)));
    if (rows.length > 0) console.log(standingsTable(`${title}: mean TTFT, relative to the best policy of each workload`, rows));
  }
  console.log(standingsTable('All workloads', rowsOf(plain)));
  if (disturbed.length > 0) console.log(situationsTable(results));
  const verdicts = verdictsOf(rowsOf(plain), disturbed.length > 0 ? results : []);
  console.log(verdictsText(verdicts));
  writeReport(cases, plain, results, verdicts);
  if (values.full && verdicts.some(({ reached }) => !reached)) process.exitCode = 1;
}

function chosenCases(): Case[] {
  const wanted = catalogue.filter(({ name, isQuick }) => (values.only === undefined ? values.full || isQuick : name.includes(values.only)));
  if (wanted.length === 0) throw new Error(`No workload's name contains '${values.only}': ${catalogue.map(({ name }) => name).join(' | ')}`);
  const there = wanted.filter(({ trace }) => trace === undefined || existsSync(join(values.traces, trace)));
  const missing = wanted.filter((each) => !there.includes(each));
  const notice = `No Mooncake traces in ${values.traces} (github.com/kvcache-ai/Mooncake, FAST25-release/traces; --traces DIR). Left out: ${missing.map(({ name }) => name).join(', ')}.`;
  if (there.length === 0) throw new Error(notice);
  if (missing.length > 0) console.error(notice);
  return there;
}

function chosenPolicies(): PolicyId[] {
  const all = Object.keys(policies) as PolicyId[];
  if (values.policies === undefined) return values.full || values.only !== undefined ? all : [...QUICK_POLICIES];
  const wanted = values.policies.split(',');
  const unknown = wanted.find((name) => !all.includes(name as PolicyId));
  if (unknown !== undefined) throw new Error(`No policy is named '${unknown}': ${all.join(', ')}`);
  return wanted as PolicyId[];
}

/** Situations are played by these two. */
function isCompared(): boolean {
  const names = chosenPolicies();
  return names.includes('prefix-cost') && names.includes('least-request');
}

function jobsOf(cases: readonly Case[], names: readonly PolicyId[], seeds: readonly number[]): Job[] {
  const situation: SituationName = 'plain';
  return cases.flatMap(({ name: workload }) => names.flatMap((policy) => seeds.map((seed) => ({ workload, policy, situation, seed }))));
}

async function performed(jobs: readonly Job[]): Promise<Result[]> {
  const progress = createProgress();
  let done = 0;
  const results = await performAll(jobs, Number(values.processes), values.traces, ({ workload, policy }) => {
    done += 1;
    progress.update(done / jobs.length, `${done} of ${jobs.length} runs · ${workload} · ${policy}`);
  });
  progress.end();
  return results;
}

function writeReport(cases: readonly Case[], plain: readonly Result[], results: readonly Result[], verdicts: readonly Verdict[]): void {
  mkdirSync(dirname(values.out), { recursive: true });
  const sections = Object.entries(GROUPS).map(([group, title]) => {
    const names = new Set(cases.filter((each) => each.group === group).map(({ name }) => name));
    return { title, rows: rowsOf(plain.filter(({ workload }) => names.has(workload))) };
  });
  writeFileSync(values.out, reportPage(sections.filter(({ rows }) => rows.length > 0), results, verdicts));
  writeFileSync(values.out.replace(/(\.html)?$/, '.json'), `${JSON.stringify(results, undefined, 1)}\n`);
  console.log(`Written to ${values.out}`);
}
