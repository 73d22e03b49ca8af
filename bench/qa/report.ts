// report.ts: the comparison of the two ports as a table, as figures and as a verdict. Pure.

import { distributionOf, sum, type Distribution } from '../load/statistics.ts';
import type { Round } from '../load/run.ts';
import { predictionError, type Prediction } from '../load/router-log.ts';
import { percent, tableOf } from '../load/table.ts';
import { meanGenerationSpeed, ttftS } from './summary.ts';

/** The listeners compared: by prefix (8081 in a default configuration) and by least requests (8080). */
export type PortName = 'prefix' | 'baseline';

export interface Measured {
  readonly seed: number;
  readonly port: PortName;
  readonly rounds: readonly Round[];
  readonly predictions: readonly Prediction[];
}

export interface PortFigures {
  readonly requests: number;
  readonly ttftS: Distribution;
  /** Cached tokens of all prompt tokens, as the servers reported them. */
  readonly hitRatio: number;
  readonly uncachedPromptTokens: number;
  /** Sum of |predicted − reported| cached tokens, of all prompt tokens. */
  readonly predictionError: number;
  /** Tokens a second of one answer: what the simulated machine gives when nothing holds it up. */
  readonly generationSpeed: number;
}

interface Pair {
  readonly name: string;
  readonly prefix: PortFigures;
  readonly baseline: PortFigures;
  /** Of the mean times to first token, prefix over baseline. */
  readonly ttftRatio: number;
}

export interface Report {
  readonly table: string;
  readonly figures: { readonly seeds: readonly Pair[]; readonly overall: Pair };
  readonly verdict: string;
  readonly reached: boolean;
}

const TTFT_RATIO_MAX = 0.6;
/** On 8081, of the prompt tokens. */
const PREDICTION_ERROR_MAX = 0.01;

/** `measured` holds both ports of every seed. */
export function reportOf(measured: readonly Measured[]): Report {
  const seeds = [...new Set(measured.map(({ seed }) => seed))].toSorted((a, b) => a - b);
  const compared = seeds.map((seed) => pairOf(`seed ${seed}`, measured.filter((one) => one.seed === seed)));
  const overall = pairOf('all', measured);
  const isSooner = overall.ttftRatio <= TTFT_RATIO_MAX;
  // NaN, when nothing was reported, reaches nothing.
  const isExact = overall.prefix.predictionError <= PREDICTION_ERROR_MAX;
  const distance = `${(Math.abs(1 - overall.ttftRatio) * 100).toFixed(1)} % ${overall.ttftRatio <= 1 ? 'below' : 'above'}`;
  const verdict = [
    `Mean TTFT on 8081 is ${distance} 8080: target ${wordFor(isSooner)} (at least ${Math.round((1 - TTFT_RATIO_MAX) * 100)} % below).`,
    `Predictions on 8081 are off by ${percent(overall.prefix.predictionError, 2)} of the prompt tokens: target ${wordFor(isExact)} (at most ${percent(PREDICTION_ERROR_MAX, 0)}).`,
  ].join('\n');
  return { table: comparisonTable([...(seeds.length > 1 ? compared : []), overall]), figures: { seeds: compared, overall }, verdict, reached: isSooner && isExact };
}

function wordFor(isReached: boolean): string {
  return isReached ? 'reached' : 'MISSED';
}

export function portFigures(rounds: readonly Round[], predictions: readonly Prediction[]): PortFigures {
  const promptTokens = sum(rounds.map((round) => round.promptTokens));
  const cachedTokens = sum(rounds.map((round) => round.cachedTokens));
  return {
    requests: rounds.length,
    ttftS: distributionOf(rounds.map(ttftS)),
    hitRatio: cachedTokens / promptTokens,
    uncachedPromptTokens: promptTokens - cachedTokens,
    predictionError: predictionError(predictions).share,
    generationSpeed: meanGenerationSpeed(rounds),
  };
}

function pairOf(name: string, measured: readonly Measured[]): Pair {
  const of = (port: PortName): PortFigures => {
    const here = measured.filter((one) => one.port === port);
    return portFigures(here.flatMap(({ rounds }) => rounds), here.flatMap(({ predictions }) => predictions));
  };
  const [prefix, baseline] = [of('prefix'), of('baseline')];
  return { name, prefix, baseline, ttftRatio: prefix.ttftS.mean / baseline.ttftS.mean };
}

function comparisonTable(pairs: readonly Pair[]): string {
  const header = ['seed', 'port', 'requests', 'TTFT mean', 'p50', 'p90', 'p99', 'hit ratio', 'uncached prompt', 'prediction error', 'tokens/s', 'TTFT 8081 / 8080'];
  const rows = pairs.flatMap(({ name, prefix, baseline, ttftRatio }) => [
    [name, '8081 prefix-cost', ...cellsOf(prefix), ttftRatio.toFixed(2)],
    ['', '8080 least-request', ...cellsOf(baseline), ''],
  ]);
  return tableOf(header, rows, 2);
}

function cellsOf({ requests, ttftS: ttft, hitRatio, uncachedPromptTokens, predictionError: error, generationSpeed }: PortFigures): string[] {
  const times = [ttft.mean, ttft.p50, ttft.p90, ttft.p99].map((seconds) => `${seconds.toFixed(3)} s`);
  return [String(requests), ...times, percent(hitRatio), uncachedPromptTokens.toLocaleString('en'), percent(error, 2), generationSpeed.toFixed(1)];
}
