// router-log.ts: what the router's log says of the requests it forwarded: what it predicted beside what the engine reported.

import { readFile } from 'node:fs/promises';
import { sum } from './statistics.ts';

/** One request of a generation surface whose answer reported its cached tokens. */
export interface Prediction {
  /** As the client sent it in `x-request-id`. */
  readonly id: string;
  readonly endpoint: string;
  readonly promptTokens: number;
  readonly predictedTokens: number;
  readonly reportedTokens: number;
}

export interface PredictionError {
  readonly requests: number;
  readonly promptTokens: number;
  /** Sum of the absolute differences. */
  readonly errorTokens: number;
  /** Of the prompt tokens. */
  readonly share: number;
}

interface LogLine {
  readonly msg?: string;
  readonly id?: string;
  readonly endpoint?: string;
  readonly prompt_tokens?: number;
  readonly predicted_cached_tokens?: number;
  readonly reported_cached_tokens?: number;
}

/** The router gathers lines before it writes them. */
const WRITE_WAIT_MS = 5000;
const POLL_MS = 50;

/** Resolves when the log tells of each of `ids`, in the log's order; rejects when some are missing for long. */
export async function readPredictions(logFile: string, ids: ReadonlySet<string>): Promise<Prediction[]> {
  const deadlineMs = performance.now() + WRITE_WAIT_MS;
  for (;;) {
    const found = parse(await readFile(logFile, 'utf8')).filter(({ id }) => ids.has(id));
    if (found.length >= ids.size) return found;
    if (performance.now() > deadlineMs) throw new Error(`the router's log tells of ${found.length} of ${ids.size} requests`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

export function predictionError(predictions: readonly Prediction[]): PredictionError {
  const promptTokens = sum(predictions.map((one) => one.promptTokens));
  const errorTokens = sum(predictions.map((one) => Math.abs(one.predictedTokens - one.reportedTokens)));
  return { requests: predictions.length, promptTokens, errorTokens, share: errorTokens / promptTokens };
}

function parse(log: string): Prediction[] {
  // The last line may still be on its way.
  const lines = log.split('\n').slice(0, -1);
  return lines.flatMap((text) => {
    const line = JSON.parse(text) as LogLine;
    if (line.msg !== 'request' || line.id === undefined || line.reported_cached_tokens === undefined) return [];
    return [{
      id: line.id,
      endpoint: line.endpoint ?? '',
      promptTokens: line.prompt_tokens ?? 0,
      predictedTokens: line.predicted_cached_tokens ?? 0,
      reportedTokens: line.reported_cached_tokens,
    }];
  });
}
