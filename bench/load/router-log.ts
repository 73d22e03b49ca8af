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

/** Waits until the log tells of each of `ids`, and gives those that reported, in the log's order; rejects when some are missing for long. */
export async function readPredictions(logFile: string, ids: ReadonlySet<string>): Promise<Prediction[]> {
  const deadlineMs = performance.now() + WRITE_WAIT_MS;
  for (;;) {
    const found = requestLines(await readFile(logFile, 'utf8')).filter(({ id = '' }) => ids.has(id));
    if (found.length >= ids.size) return found.flatMap(predictionOf);
    if (performance.now() > deadlineMs) throw new Error(`the router's log tells of ${found.length} of ${ids.size} requests`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

export function predictionError(predictions: readonly Prediction[]): PredictionError {
  const promptTokens = sum(predictions.map((one) => one.promptTokens));
  const errorTokens = sum(predictions.map((one) => Math.abs(one.predictedTokens - one.reportedTokens)));
  return { requests: predictions.length, promptTokens, errorTokens, share: errorTokens / promptTokens };
}

function requestLines(log: string): LogLine[] {
  // The last line may still be on its way.
  const lines = log.split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as LogLine).filter(({ msg }) => msg === 'request');
}

function predictionOf(line: LogLine): Prediction[] {
  const { id = '', endpoint = '', prompt_tokens: promptTokens, predicted_cached_tokens: predictedTokens, reported_cached_tokens: reportedTokens } = line;
  if (promptTokens === undefined || predictedTokens === undefined || reportedTokens === undefined) return [];
  return [{ id, endpoint, promptTokens, predictedTokens, reportedTokens }];
}
