// verdicts.ts: what was measured beside what was promised. Pure.

import type { Result } from './job.ts';
import { disturbedOf } from './situations.ts';
import type { SituationName } from './situation.ts';
import { type Row, type Summary, summariesOf, worstBeside } from './standings.ts';
import { percent, ratioText } from './table.ts';

export interface Verdict {
  readonly what: string;
  readonly figure: string;
  readonly wanted: string;
  readonly reached: boolean;
}

const GEOMETRIC_MEAN_MAX = 1.05;
const WORST_MAX = 1.2;
/** Of least-request's and a session hash's mean TTFT. */
const BESIDE_MAX = 1.05;
/** Mean TTFT with a wrong capacity, of that with the right one. */
const TOLD_WRONG_MAX = 1.1;
const SETTLED_ERROR_MAX = 0.03;
const TOLD_WRONG: readonly SituationName[] = ['capacity-x4', 'capacity-half', 'capacity-x4-missing', 'capacity-half-missing'];

/** On our policy, over whatever was run; nothing is said of what was not. */
export function verdictsOf(rows: readonly Row[], disturbed: readonly Result[]): Verdict[] {
  const own = summariesOf(rows).find(({ policy }) => policy === 'prefix-cost');
  return [...(own === undefined ? [] : amongPolicies(rows, own)), ...toldWrong(disturbed)];
}

function amongPolicies(rows: readonly Row[], { geometricMean, worst, worstAt }: Summary): Verdict[] {
  const beside = (['least-request', 'session-hash'] as const).flatMap((other) => {
    const found = worstBeside(rows, 'prefix-cost', other);
    return found === undefined ? [] : [atMost(`beside ${other}, at worst`, found.ratio, BESIDE_MAX, ` (${found.workload})`)];
  });
  return [
    atMost(`beside the best policy of each of ${rows.length} workloads, geometric mean`, geometricMean, GEOMETRIC_MEAN_MAX),
    atMost('beside the best policy, at worst', worst, WORST_MAX, ` (${worstAt})`),
    ...beside,
  ];
}

function toldWrong(results: readonly Result[]): Verdict[] {
  return disturbedOf(results).filter(({ situation }) => TOLD_WRONG.includes(situation)).flatMap(({ situation, besideToldRight, settledError, settledErrorAt }) => [
    atMost(`${situation}, beside the right capacity`, besideToldRight, TOLD_WRONG_MAX),
    {
      what: `${situation}, prediction error from request 2,001 on, at worst`,
      figure: `${percent(settledError)} (${settledErrorAt})`,
      wanted: `below ${percent(SETTLED_ERROR_MAX)}`,
      reached: settledError < SETTLED_ERROR_MAX,
    },
  ]);
}

/** NaN reaches nothing. */
function atMost(what: string, ratio: number, most: number, where = ''): Verdict {
  return { what, figure: `${ratioText(ratio)}${where}`, wanted: `at most ${most.toFixed(2)}`, reached: ratio <= most };
}

export function verdictsText(verdicts: readonly Verdict[]): string {
  const lines = verdicts.map(({ what, figure, wanted, reached }) => `${reached ? 'reached' : 'MISSED '}  ${what}: ${figure}; target: ${wanted}`);
  return ['Targets of prefix-cost, mean TTFT where nothing else is said', ...lines, ''].join('\n');
}
