// run.ts: carries one generating request from its jobs to the end of its answer, whatever API it came by.

import type { FaultState } from '../fault.ts';
import { strike } from '../fault.ts';
import type { FinishReason, Generation } from '../generation.ts';
import type { Job, Serving } from '../serving.ts';
import { backlogError, drainingError, engineDeadError, type ApiError, type ErrorShape } from './api-error.ts';
import type { Exchange } from './exchange.ts';

/** How one API tells its client what the engine does. */
export interface Surface extends ErrorShape {
  readonly streams: boolean;
  /** Events before the first token. */
  open?(send: Send): void;
  token(generation: Generation, at: number, finish: FinishReason | undefined, send: Send): void;
  /** Events after the last token of the last choice. */
  close(generations: readonly Generation[], send: Send): void;
  /** The whole answer, when not streaming. */
  body(generations: readonly Generation[]): string;
}

export type Send = (event: string) => void;

/** For answers that come in one piece. */
export function noEvents(): void {}

export function run(exchange: Exchange, serving: Serving, faults: FaultState, jobs: readonly Job[], surface: Surface): void {
  const refusal = refuse(serving, faults, jobs, surface.streams);
  exchange.entry.promptTokens = jobs.reduce((sum, job) => sum + (job.index === 0 || job.prompt !== jobs[job.index - 1]!.prompt ? job.prompt.length : 0), 0);
  exchange.entry.model = jobs[0]?.model;
  if (refusal !== undefined && !refusal.inStream) {
    fail(exchange, surface, refusal.error, 'refused');
    return;
  }
  if (surface.streams) {
    exchange.cut = strike(faults.cut);
    exchange.startStream();
  }
  if (refusal !== undefined) {
    fail(exchange, surface, refusal.error, 'refused');
    return;
  }
  if (surface.streams) surface.open?.((event) => exchange.send(event));
  generate(exchange, serving, strike(faults.abort) !== undefined, jobs, surface);
}

/** Whether the engine takes the jobs. vLLM finds some reasons only when the head of the stream is out. */
function refuse(serving: Serving, faults: FaultState, jobs: readonly Job[], streams: boolean): { error: ApiError; inStream: boolean } | undefined {
  if (faults.drain) return { error: drainingError(), inStream: false };
  if (faults.engineDead) return { error: engineDeadError(), inStream: streams };
  const first = strike(faults.errorFirst);
  if (first !== undefined) return { error: first.status === 503 ? backlogError() : engineDeadError(), inStream: streams };
  const full = serving.checkQueue(jobs);
  return full && { error: full, inStream: streams && full.message === backlogError().message };
}

function fail(exchange: Exchange, surface: Surface, error: ApiError, outcome: 'refused' | 'failed'): void {
  exchange.entry.outcome = outcome;
  if (!exchange.streaming) {
    exchange.reply(error.status, surface.errorBody(error));
    return;
  }
  for (const event of surface.errorEvents(error)) exchange.send(event);
  exchange.endStream();
}

function generate(exchange: Exchange, serving: Serving, aborts: boolean, jobs: readonly Job[], surface: Surface): void {
  const { entry } = exchange;
  const send: Send = (event) => exchange.send(event);
  const generations: Generation[] = [];
  let open = jobs.length;
  const leave = (outcome: 'aborted' | 'failed'): void => {
    if (entry.outcome === 'open') entry.outcome = outcome;
    for (const generation of generations) serving.abort(generation);
  };
  const listener = {
    token(generation: Generation, at: number, finish: FinishReason | undefined): void {
      entry.cachedTokens ??= generation.sequence?.cachedTokens;
      if (at >= 0) entry.outputTokens += 1;
      if (surface.streams) surface.token(generation, at, finish, send);
      if (exchange.ended) leave('failed');
      if (finish === undefined || exchange.ended) return;
      entry.finishReason = finish;
      open -= 1;
      if (open > 0) return;
      entry.outcome = 'finished';
      if (!surface.streams) {
        exchange.reply(200, surface.body(generations));
        return;
      }
      surface.close(generations, send);
      exchange.endStream();
    },
    fail: (error: ApiError): void => fail(exchange, surface, error, 'failed'),
  };
  for (const job of jobs) generations.push(serving.submit(job, listener));
  exchange.response.on('close', () => {
    if (!exchange.response.writableFinished) leave('aborted');
  });
  if (aborts) for (const generation of generations) serving.end(generation);
}
