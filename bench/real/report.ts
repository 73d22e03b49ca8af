// report.ts: the errors of one temperature by their sources. Pure.

import { predictionError, type PredictionError } from '../load/router-log.ts';
import { percent, tableOf } from '../load/table.ts';
import { SOURCES, type Judged } from './sources.ts';

export interface Report {
  readonly requests: number;
  readonly error: PredictionError;
  /** Requests sent while a server was away left out. */
  readonly withoutRestart: PredictionError;
  readonly table: string;
}

export function reportOf(judged: readonly Judged[]): Report {
  const error = errorOf(judged);
  const rows = SOURCES.map((source) => {
    const here = judged.filter((one) => one.source === source);
    const { errorTokens } = errorOf(here);
    return [source, String(here.length), String(here.filter(({ inRestart }) => inRestart).length), String(errorTokens), percent(errorTokens / error.promptTokens, 2)];
  });
  const total = ['all', String(judged.length), String(judged.filter(({ inRestart }) => inRestart).length), String(error.errorTokens), percent(error.share, 2)];
  return {
    requests: judged.length,
    error,
    withoutRestart: errorOf(judged.filter(({ inRestart }) => !inRestart)),
    table: tableOf(['source of error', 'requests', 'of these in the restart', 'tokens', 'of all prompt tokens'], [...rows, total]),
  };
}

function errorOf(judged: readonly Judged[]): PredictionError {
  return predictionError(judged.map(({ prediction }) => prediction));
}
