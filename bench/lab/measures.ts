// measures.ts: what a run comes to.

import { distributionOf, sum } from '../load/statistics.ts';
import type { Exchange } from './exchange.ts';
import type { Run } from './run.ts';

export interface Measures {
  readonly requests: number;
  readonly failed: number;
  readonly ttftMeanS: number;
  readonly ttftP50S: number;
  readonly ttftP99S: number;
  readonly e2eMeanS: number;
  /** Cached tokens as the engines report them, as a share of prompt tokens. */
  readonly hitRatio: number;
  /** Mean |predicted − reported| as a share of prompt tokens; NaN for a router that predicts nothing. */
  readonly predictionError: number;
  /** The same without the first `SETTLING` requests; NaN when there were no more. */
  readonly settledError: number;
  readonly momentaryImbalance: number;
  readonly lastingImbalance: number;
}

/** Requests within which a wrong belief about capacity has to be mended. */
export const SETTLING = 2000;

export function measure({ exchanges, gauge }: Run): Measures {
  const complete = exchanges.filter((exchange) => !exchange.failed);
  const ttft = distributionOf(complete.map((exchange) => exchange.firstTokenS! - exchange.arrivedS));
  const promptTokens = sum(complete.map((exchange) => exchange.promptTokens));
  const cachedTokens = sum(complete.map((exchange) => exchange.sequence!.cachedTokens!));
  return {
    requests: exchanges.length,
    failed: exchanges.length - complete.length,
    ttftMeanS: ttft.mean,
    ttftP50S: ttft.p50,
    ttftP99S: ttft.p99,
    e2eMeanS: sum(complete.map((exchange) => exchange.endS! - exchange.arrivedS)) / complete.length,
    hitRatio: cachedTokens / promptTokens,
    predictionError: errorOf(complete),
    settledError: errorOf(exchanges.slice(SETTLING).filter((exchange) => !exchange.failed)),
    momentaryImbalance: gauge.momentaryImbalance(),
    lastingImbalance: gauge.lastingImbalance(),
  };
}

function errorOf(complete: readonly Exchange[]): number {
  const errorTokens = sum(complete.map((exchange) => Math.abs(exchange.predictedTokens - exchange.sequence!.cachedTokens!)));
  return errorTokens / sum(complete.map((exchange) => exchange.promptTokens));
}
