// report.ts: both ports beside each other, and the verdict. Pure.

import type { PredictionError } from '../load/router-log.ts';
import { distributionOf, sum, type Distribution } from '../load/statistics.ts';
import { percent, tableOf } from '../load/table.ts';
import type { ListenerName } from '../load/router.ts';
import type { Played } from './playback.ts';

export type PortName = Exclude<ListenerName, 'admin'>;

export interface PortFigures {
  readonly port: PortName;
  readonly requests: number;
  readonly promptTokens: number;
  readonly ttftS: Distribution;
  readonly e2eS: Distribution;
  /** Cached of all prompt tokens, as the replicas reported them. */
  readonly hitRatio: number;
  readonly prediction: PredictionError;
  /** Tokens that the replicas' caches hold, and tokens that they had to compute and so put there. */
  readonly cacheTokens: number;
  readonly insertedTokens: number;
  /** How much later than due requests were sent. */
  readonly sentLateS: Distribution;
}

const ERROR_MAX = 0.02;

const TITLES: Readonly<Record<PortName, string>> = { prefix: '8081 prefix-cost', baseline: '8080 least-request' };

export function figuresOf(port: PortName, played: readonly Played[], prediction: PredictionError, cacheTokens: number): PortFigures {
  const promptTokens = sum(played.map((one) => one.promptTokens));
  const cachedTokens = sum(played.map((one) => one.cachedTokens));
  return {
    port,
    requests: played.length,
    promptTokens,
    ttftS: distributionOf(played.map((one) => one.firstTokenS - one.launchedS)),
    e2eS: distributionOf(played.map((one) => one.finishedS - one.launchedS)),
    hitRatio: cachedTokens / promptTokens,
    prediction,
    cacheTokens,
    insertedTokens: promptTokens - cachedTokens + sum(played.map((one) => one.answerTokens)),
    sentLateS: distributionOf(played.map((one) => one.launchedS - one.dueS)),
  };
}

export function reportOf(prefix: PortFigures, baseline: PortFigures): { readonly table: string; readonly verdict: string; readonly reached: boolean } {
  const header = ['port', 'requests', 'TTFT mean', 'p50', 'p90', 'p99', 'E2E mean', 'p99', 'hit ratio', 'computed / cache', 'prediction error'];
  const rows = [prefix, baseline].map(({ port, requests, ttftS, e2eS, hitRatio, insertedTokens, cacheTokens, prediction }) => [
    TITLES[port],
    String(requests),
    ...[ttftS.mean, ttftS.p50, ttftS.p90, ttftS.p99, e2eS.mean, e2eS.p99].map((seconds) => `${seconds.toFixed(2)} s`),
    percent(hitRatio),
    `${(insertedTokens / cacheTokens).toFixed(1)} ×`,
    percent(prediction.share, 2),
  ]);
  const reached = prefix.prediction.share <= ERROR_MAX;
  const verdict =
    `Mean TTFT on 8081 is ${(prefix.ttftS.mean / baseline.ttftS.mean).toFixed(2)} of 8080's.` +
    ` Predictions on 8081 are off by ${percent(prefix.prediction.share, 2)} of the prompt tokens: target ${reached ? 'reached' : 'MISSED'} (at most ${percent(ERROR_MAX, 0)}).`;
  return { table: tableOf(header, rows), verdict, reached };
}
