// forward.ts: the life of one request: read, assign, attempt, relay, finish.

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Agent } from 'undici';
import type { Clock } from '../core/clock.ts';
import type { Ask, Assignment, Dispatcher, Outcome, Standing } from '../core/dispatcher.ts';
import { RequestError } from '../core/errors.ts';
import type { Identity } from '../core/identity.ts';
import type { RequestObserver, RequestRecord } from '../core/record.ts';
import type { GenerationFacts, Surface } from '../core/request.ts';
import { askUsage, replaceMember } from '../prompt/splice.ts';
import { Attempt, type AttemptLimits } from './attempt.ts';
import { ClientResponse } from './client-response.ts';
import { debugHeaders } from './debug-headers.ts';
import { errorEvent, refusalAnswer, type ErrorAnswer } from './error-answer.ts';
import { isRequestId } from './headers.ts';
import type { HeldAnswer } from './held-answer.ts';
import { KeepAlive } from './keep-alive.ts';
import { newRecord } from './new-record.ts';
import { again, answerTo, diedWithEndpoint, recordedOutcome, sentence, type Again, type Tried } from './retry.ts';
import type { Sweep } from './sweep.ts';
import { tenantSalt } from './tenant-salt.ts';
import { traceOf, type Trace } from './trace.ts';
import { assign } from './waiting.ts';

export interface ForwardDeps {
  readonly dispatcher: Dispatcher;
  readonly readPrompt: (surface: Surface, body: Uint8Array, tenant: string | undefined) => GenerationFacts;
  /** Tenants are kept apart with it; undefined: they share what the engines hold. */
  readonly tenantSecret: string | undefined;
  readonly upstream: Agent;
  readonly sweep: Sweep;
  readonly clock: Clock;
  readonly observer: RequestObserver;
  readonly limits: AttemptLimits;
  readonly attemptsMax: number;
  /** How often a stream that waits for its first event gets a comment, in milliseconds; 0 is never. */
  readonly keepAliveCommentMs: number;
  /** A mistake of the router's own. */
  readonly unexpected: (error: unknown) => void;
}

/** One request whose body is here. */
export interface Exchange {
  readonly surface: Surface;
  readonly listener: string;
  readonly identity: Identity;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Buffer;
  /** The peer's address where its word is taken on whom it forwards for. */
  readonly forwardedBy: string | undefined;
  /** The answer says where it came from and why. */
  readonly debugHeaders: boolean;
}

/** A request on its way. */
interface Course {
  readonly deps: ForwardDeps;
  readonly exchange: Exchange;
  readonly client: ClientResponse;
  readonly record: RequestRecord;
  readonly trace: Trace;
  readonly startedMs: number;
  /** As they were when it came: they may change while it is under way. */
  readonly limits: AttemptLimits;
  readonly attemptsMax: number;
  readonly tried: Tried;
  /** What the body's `cache_salt` is replaced with; undefined leaves it to the client. */
  readonly salt: string | undefined;
}

/** Answers one generation request. Never rejects; the record is handed to the observer exactly once, with its one outcome. */
export async function forward(deps: ForwardDeps, exchange: Exchange): Promise<void> {
  const { clock, observer, limits, attemptsMax, sweep, keepAliveCommentMs, tenantSecret } = deps;
  const startedMs = clock();
  const given = exchange.request.headers['x-request-id'];
  // One for both: to make one takes a third of a microsecond.
  const uuid = randomUUID();
  const trace = traceOf(exchange.request.headers.traceparent, uuid);
  const record = newRecord(isRequestId(given) ? given : uuid, exchange.listener, exchange.surface, exchange.identity.client, trace.traceId);
  const client = new ClientResponse(exchange.response, exchange.surface, record.id);
  let keepAlive: KeepAlive | undefined;
  try {
    const { surface, body, identity: { tenant } } = exchange;
    const facts = deps.readPrompt(surface, body, tenantSecret === undefined ? undefined : tenant);
    const salt = tenantSecret === undefined ? undefined : tenantSalt(tenantSecret, tenant, facts.cacheSalt);
    if (facts.stream && keepAliveCommentMs > 0) keepAlive = new KeepAlive(sweep, client, keepAliveCommentMs);
    await route({ deps, exchange, client, record, trace, startedMs, limits, attemptsMax, tried: { attempts: 0, reasons: [] }, salt }, facts);
  } catch (error) {
    if (error instanceof RequestError) {
      refuse(client, record, badRequest(error));
    } else {
      deps.unexpected(error);
      if (client.committed) client.abort(undefined);
      else refuse(client, record, INTERNAL_ERROR);
    }
  }
  keepAlive?.stop();
  record.durationMs = clock() - startedMs;
  record.status = client.status;
  observer.ended(record);
}

async function route(course: Course, facts: GenerationFacts): Promise<void> {
  const { deps, exchange, client, record, tried, attemptsMax } = course;
  const ask: Ask = { facts, listener: exchange.listener, tenant: exchange.identity.tenant, excluded: [], bodyBytes: exchange.body.length, request: record.id, traceId: record.traceId, wantsReason: exchange.debugHeaders };
  let failed: Ended | undefined;
  let next: Again | undefined;
  const excluded: string[] = [];
  for (;;) {
    if (client.gone) {
      record.outcome = 'client_gone';
      return;
    }
    const askedMs = deps.clock();
    const given = assign(deps.dispatcher, next === undefined ? ask : { ...ask, excluded, retry: next.budget }, client);
    record.choiceDurationMs = deps.clock() - askedMs;
    const assigned = given instanceof Promise ? await given : given;
    if (assigned === undefined) continue;
    if (assigned.kind === 'refused') {
      // With nobody left to try, or no budget for it, what went wrong is the answer; but where nobody is there any more, that is.
      if (failed === undefined || (assigned.reason === 'no_endpoint_available' && diedWithEndpoint(failed.outcome))) refuse(client, record, refusalAnswer(assigned));
      else closeClient(course, failed);
      return;
    }
    if (client.gone) {
      // It left in the tick in which its turn came.
      deps.dispatcher.finish(assigned.attempt, CLIENT_GONE);
      continue;
    }
    if (next !== undefined) {
      // While the record still names the endpoint that failed.
      deps.observer.retried(record, next.reason);
      tried.reasons.push(next.reason);
    }
    noteAssignment(record, assigned);
    if (exchange.debugHeaders) client.explainWith(debugHeaders(assigned, record.choiceDurationMs, deps.clock));
    tried.attempts += 1;
    let outcome: Outcome = CLIENT_GONE;
    try {
      const attempt = newAttempt(course, assigned);
      outcome = await attempt.send(assigned.endpoint);
      failed = { outcome, takesErrorEvent: attempt.takesErrorEvent, held: attempt.held };
    } finally {
      // Before the client gets the end of its answer; and whatever went wrong on our side, nobody's lease is kept for it.
      deps.dispatcher.finish(assigned.attempt, outcome);
    }
    next = again(failed.outcome, client.committed, tried, attemptsMax);
    if (next === undefined) {
      closeClient(course, failed);
      return;
    }
    if (next.elsewhere) excluded.push(assigned.endpoint.id);
  }
}

interface Ended {
  readonly outcome: Outcome;
  readonly takesErrorEvent: boolean;
  /** The endpoint's error, which the client can be given. */
  readonly held: HeldAnswer | undefined;
}

function newAttempt({ deps, exchange, client, record, trace, startedMs, limits, salt }: Course, assigned: Assignment): Attempt {
  const { request, surface, forwardedBy } = exchange;
  const { dispatcher, upstream, sweep } = deps;
  const onFirstToken = (responseId: string | undefined, isWhole: boolean): void => {
    record.timeToFirstTokenMs = deps.clock() - startedMs;
    dispatcher.firstToken(assigned.attempt, responseId, isWhole);
  };
  const standing = (heard: boolean): Standing => dispatcher.standing(assigned.attempt, heard);
  deps.observer.chosen(record);
  const body = bodyFor(assigned, salt, exchange.body);
  return new Attempt(
    { upstream, sweep, limits, onFirstToken, standing },
    { surface, method: 'POST', path: request.url ?? '/', rawHeaders: request.rawHeaders, forwardedBy, body, hidesUsage: assigned.asksUsage, id: record.id, trace, startedMs },
    client,
  );
}

/** The end of the client's answer, as the last attempt left it. */
function closeClient({ client, record, exchange, tried }: Course, { outcome, takesErrorEvent, held }: Ended): void {
  record.outcome = recordedOutcome(outcome);
  record.reason = sentence(outcome);
  if (outcome.kind === 'complete') {
    record.reportedPromptTokens = outcome.usage?.promptTokens;
    record.reportedCachedTokens = outcome.usage?.cachedTokens;
    record.completionTokens = outcome.usage?.completionTokens;
  }
  if (!client.committed) {
    const answer = answerTo(outcome, tried);
    if (held === undefined) client.refuse(answer);
    else client.release(held, answer);
  } else if (outcome.kind === 'complete' || outcome.kind === 'rejected' || outcome.kind === 'failed') client.end();
  else if (outcome.kind === 'client_gone') client.abort(undefined);
  else client.abort(takesErrorEvent ? errorEvent(exchange.surface, sentence(outcome)) : undefined);
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

function badRequest(error: RequestError): ErrorAnswer {
  return { status: error.status, message: error.message, code: 'invalid_request', param: error.param };
}

const CLIENT_GONE: Outcome = { kind: 'client_gone' };

const INTERNAL_ERROR: ErrorAnswer = { status: 500, message: 'The router failed to handle this request.', code: 'internal_error' };

/** The client's bytes, changed only where the assignment says so or tenants are kept apart. */
function bodyFor({ upstreamModel, asksUsage }: Assignment, salt: string | undefined, body: Buffer): Buffer {
  const salted = salt === undefined ? body : replaceMember(body, 'cache_salt', salt);
  const renamed = upstreamModel === undefined ? salted : replaceMember(salted, 'model', upstreamModel);
  return asBuffer(asksUsage ? askUsage(renamed) : renamed);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
