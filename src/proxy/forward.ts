// forward.ts: the life of one request: read, assign, attempt, relay, finish.

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Agent } from 'undici';
import type { Clock } from '../core/clock.ts';
import type { Assignment, Dispatcher, Outcome, Refusal } from '../core/dispatcher.ts';
import { RequestError } from '../core/errors.ts';
import type { RequestObserver, RequestRecord } from '../core/record.ts';
import type { GenerationFacts, Surface } from '../core/request.ts';
import { askUsage, replaceModel } from '../prompt/splice.ts';
import { Attempt, type AttemptLimits } from './attempt.ts';
import { ClientResponse } from './client-response.ts';
import { errorEvent, type ErrorAnswer } from './error-answer.ts';
import { isRequestId } from './headers.ts';
import { newRecord } from './new-record.ts';
import { again, answerTo, recordedOutcome, sentence, type Tried } from './retry.ts';
import type { Sweep } from './sweep.ts';

export interface ForwardDeps {
  readonly dispatcher: Dispatcher;
  readonly readPrompt: (surface: Surface, body: Uint8Array) => GenerationFacts;
  readonly upstream: Agent;
  readonly sweep: Sweep;
  readonly clock: Clock;
  readonly observer: RequestObserver;
  readonly limits: AttemptLimits;
  readonly attemptsMax: number;
  /** A mistake of the router's own. */
  readonly unexpected: (error: unknown) => void;
}

/** One request whose body is here. */
export interface Exchange {
  readonly surface: Surface;
  readonly listener: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Buffer;
}

/** Answers one generation request. Never rejects; the record is handed to the observer exactly once, with its one outcome. */
export async function forward(deps: ForwardDeps, exchange: Exchange): Promise<void> {
  const startedMs = deps.clock();
  const given = exchange.request.headers['x-request-id'];
  const record = newRecord(isRequestId(given) ? given : randomUUID(), exchange.listener, exchange.surface);
  const client = new ClientResponse(exchange.response, exchange.surface, record.id);
  try {
    const facts = deps.readPrompt(exchange.surface, exchange.body);
    await route(deps, exchange, facts, client, record, startedMs);
  } catch (error) {
    if (error instanceof RequestError) {
      refuse(client, record, badRequest(error));
    } else {
      deps.unexpected(error);
      if (client.committed) client.abort(undefined);
      else refuse(client, record, INTERNAL_ERROR);
    }
  }
  record.durationMs = deps.clock() - startedMs;
  record.status = client.status;
  deps.observer.ended(record);
}

async function route(deps: ForwardDeps, exchange: Exchange, facts: GenerationFacts, client: ClientResponse, record: RequestRecord, startedMs: number): Promise<void> {
  const excluded: string[] = [];
  const tried: Tried = { attempts: 0, stale: 0 };
  let failed: Outcome | undefined;
  for (;;) {
    if (client.gone) {
      record.outcome = 'client_gone';
      return;
    }
    const askedMs = deps.clock();
    const assigned = deps.dispatcher.assign({ facts, listener: exchange.listener, excluded });
    record.choiceDurationMs = deps.clock() - askedMs;
    if (assigned.kind === 'refused') {
      // With nobody left to try, what went wrong is the answer.
      if (failed === undefined) refuse(client, record, refusalAnswer(assigned));
      else closeClient(client, record, exchange.surface, failed, false);
      return;
    }
    noteAssignment(record, assigned);
    tried.attempts += 1;
    const { outcome, takesErrorEvent } = await attempt(deps, exchange, assigned, client, record, startedMs);
    const next = again(outcome, client.committed, tried, deps.attemptsMax);
    if (next === undefined) {
      closeClient(client, record, exchange.surface, outcome, takesErrorEvent);
      return;
    }
    deps.observer.retried(record, next.reason);
    if (next.reason === 'stale') tried.stale += 1;
    if (next.elsewhere) excluded.push(assigned.endpoint.id);
    failed = outcome;
  }
}

interface Ended {
  readonly outcome: Outcome;
  readonly takesErrorEvent: boolean;
}

/** One attempt; its lease is returned when this resolves, before the client gets the end of its answer. */
async function attempt(deps: ForwardDeps, exchange: Exchange, assigned: Assignment, client: ClientResponse, record: RequestRecord, startedMs: number): Promise<Ended> {
  const { request, surface } = exchange;
  const onFirstToken = (responseId: string | undefined): void => {
    record.timeToFirstTokenMs = deps.clock() - startedMs;
    deps.dispatcher.firstToken(assigned.attempt, responseId);
  };
  let outcome: Outcome = { kind: 'client_gone' };
  try {
    deps.observer.chosen(record);
    const body = bodyFor(assigned, exchange.body);
    const trying = new Attempt(
      { upstream: deps.upstream, sweep: deps.sweep, limits: deps.limits, onFirstToken },
      { surface, method: 'POST', path: request.url ?? '/', rawHeaders: request.rawHeaders, body, hidesUsage: assigned.asksUsage, id: record.id, startedMs },
      client,
    );
    outcome = await trying.send(assigned.endpoint);
    return { outcome, takesErrorEvent: trying.takesErrorEvent };
  } finally {
    // Whatever went wrong on our side, nobody's lease is kept for it.
    deps.dispatcher.finish(assigned.attempt, outcome);
  }
}

function closeClient(client: ClientResponse, record: RequestRecord, surface: Surface, outcome: Outcome, takesErrorEvent: boolean): void {
  record.outcome = recordedOutcome(outcome);
  record.reason = sentence(outcome);
  if (outcome.kind === 'complete') {
    record.reportedPromptTokens = outcome.usage?.promptTokens;
    record.reportedCachedTokens = outcome.usage?.cachedTokens;
    record.completionTokens = outcome.usage?.completionTokens;
  }
  if (!client.committed) client.refuse(answerTo(outcome));
  else if (outcome.kind === 'complete' || outcome.kind === 'rejected' || outcome.kind === 'failed') client.end();
  else if (outcome.kind === 'client_gone') client.abort(undefined);
  else client.abort(takesErrorEvent ? errorEvent(surface, sentence(outcome)) : undefined);
}

function noteAssignment(record: RequestRecord, assigned: Assignment): void {
  record.attempts += 1;
  record.model = assigned.model;
  record.policy = assigned.policy;
  record.pool = assigned.endpoint.pool;
  record.endpoint = assigned.endpoint.id;
  record.matchRatio = assigned.matchRatio;
  record.promptTokens = assigned.promptTokens;
  record.predictedCachedTokens = assigned.predictedCachedTokens;
}

function refuse(client: ClientResponse, record: RequestRecord, answer: ErrorAnswer): void {
  record.outcome = answer.status === 503 || answer.status === 429 ? 'shed' : 'error';
  record.reason = answer.code;
  if (!client.committed) client.refuse(answer);
}

function refusalAnswer(refusal: Refusal): ErrorAnswer {
  return { status: refusal.status, message: refusal.message, code: refusal.reason, param: refusal.param, retryAfterS: refusal.retryAfterS };
}

function badRequest(error: RequestError): ErrorAnswer {
  return { status: error.status, message: error.message, code: 'invalid_request', param: error.param };
}

const INTERNAL_ERROR: ErrorAnswer = { status: 500, message: 'The router failed to handle this request.', code: 'internal_error' };

/** The client's bytes, changed only where the assignment says so. */
function bodyFor({ upstreamModel, asksUsage }: Assignment, body: Buffer): Buffer {
  const renamed = upstreamModel === undefined ? body : asBuffer(replaceModel(body, upstreamModel));
  return asksUsage ? asBuffer(askUsage(renamed)) : renamed;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
