// by-load-exchange.ts: one request that is forwarded unread: its record, its lease, its one outcome.

import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Assignment, Outcome, Refusal, RejectedBecause } from '../core/dispatcher.ts';
import type { RequestRecord } from '../core/record.ts';
import { rejectedBecause } from '../proxy/because.ts';
import { refusalAnswer, type ErrorAnswer } from '../proxy/error-answer.ts';
import { isRequestId, responseHeadersOf } from '../proxy/headers.ts';
import { newRecord } from '../proxy/new-record.ts';
import { answerTo, isLost, recordedOutcome, sentence, type Tried } from '../proxy/retry.ts';
import type { Swept } from '../proxy/sweep.ts';
import { traceOf, type Trace } from '../proxy/trace.ts';
import { outcomeOfRequestError } from '../proxy/upstream.ts';
import { answer } from './answer.ts';
import { identityOf } from './gate.ts';
import type { ClientListenerOptions } from './options.ts';

const CLIENT_GONE: Outcome = { kind: 'client_gone' };
const LOST: Outcome = { kind: 'lost' };
const OVERDUE: Outcome = { kind: 'timeout', limit: 'total_ms' };
const WHOLE: Outcome = { kind: 'complete', usage: undefined, responseId: undefined };

export interface EndpointAnswer {
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
  readonly stream: Readable;
}

export class ByLoadExchange implements Swept {
  readonly id: string;
  readonly trace: Trace;
  sweepIndex = -1;
  readonly #options: ClientListenerOptions;
  readonly #reply: FastifyReply;
  readonly #record: RequestRecord;
  readonly #startedMs: number;
  readonly #leaving = new AbortController();
  #attempt: number | undefined;
  /** Its place in the queue. */
  #ticket: number | undefined;
  /** Why the router ended it. */
  #givenUp: Outcome | undefined;
  #committed = false;
  /** How the attempt before this one ended. */
  #failed: Outcome | undefined;
  /** When the sweep first found the client not reading; undefined while it reads. */
  #fullSinceMs: number | undefined;
  /** What the connection to the client had taken at the last tick, and since when it took no more. */
  #writtenBytes = 0;
  #silentSinceMs = 0;

  constructor(options: ClientListenerOptions, request: FastifyRequest, reply: FastifyReply, kind: 'by-load' | 'stored-response') {
    const given = request.headers['x-request-id'];
    const uuid = randomUUID();
    this.id = isRequestId(given) ? given : uuid;
    this.trace = traceOf(request.headers.traceparent, uuid);
    this.#options = options;
    this.#reply = reply;
    this.#record = newRecord(this.id, options.name, kind, identityOf(request.raw).client, this.trace.traceId);
    this.#startedMs = options.forward.clock();
    reply.header('x-request-id', this.id);
    reply.raw.on('close', () => this.#onClose());
    reply.raw.on('drain', () => (this.#fullSinceMs = undefined));
    // A write to a client that left reports here; `close` follows and is what counts.
    reply.raw.on('error', () => {});
  }

  /** It stands in the queue: its body is not read meanwhile. */
  wait(ticket: number): void {
    this.#ticket = ticket;
  }

  /** Where it came from, on a listener that says so. */
  #debugHeaders(): IncomingHttpHeaders {
    return this.#options.debugHeaders ? { 'x-warmroute-endpoint': this.#record.endpoint, 'x-warmroute-policy': this.#record.policy } : {};
  }

  /** Its turn came. False when the client left in the same tick: then the attempt is over. */
  takesTurn(given: Assignment | Refusal): boolean {
    this.#ticket = undefined;
    if (!this.#reply.raw.destroyed) return true;
    this.#record.outcome = recordedOutcome(CLIENT_GONE);
    if (given.kind === 'assigned') this.#options.forward.dispatcher.finish(given.attempt, CLIENT_GONE);
    return false;
  }

  /** With nobody left to try, what went wrong is the answer. */
  refuse(refusal: Refusal): FastifyReply {
    return this.#failed === undefined ? this.#answer(refusalAnswer(refusal)) : this.#send(answerTo(this.#failed, this.#tried()));
  }

  /** Its body is read before it is sent on. Whatever ends it meanwhile, it is the client. */
  readsBody(): void {
    this.#record.outcome = recordedOutcome(CLIENT_GONE);
  }

  /** Its body is not taken, and not read any further. */
  refuseBody(said: ErrorAnswer): FastifyReply {
    return this.#answer(said);
  }

  /** From here on there is a lease. The signal says that the client left, or that its time is over. */
  begin(assigned: Assignment): AbortSignal {
    this.#attempt = assigned.attempt;
    this.#silentSinceMs = this.#options.forward.sweep.add(this);
    // While the record still names the endpoint that failed.
    if (this.#failed !== undefined) this.#options.forward.observer.retried(this.#record, 'unreachable');
    this.#record.attempts += 1;
    this.#record.policy = assigned.policy;
    this.#record.pool = assigned.endpoint.pool;
    this.#record.endpoint = assigned.endpoint.id;
    return this.#leaving.signal;
  }

  /**
   * The endpoint's answer begins. Its status goes out with the first byte of its body, or with its end: until then the client can get
   * another one.
   */
  follow({ statusCode, headers, stream }: EndpointAnswer): void {
    stream.on('error', (error) => (this.#committed ? this.#break(error) : this.fail(error)));
    if (this.#attempt === undefined) {
      stream.destroy();
      return;
    }
    stream.once('readable', () => {
      // It is over already where the client left, or its time did.
      if (this.#attempt === undefined) return;
      const { raw, request } = this.#reply;
      this.#committed = true;
      // A connection cannot be used again while a request's body is on it.
      if (!request.raw.complete) raw.shouldKeepAlive = false;
      raw.writeHead(statusCode, { ...responseHeadersOf(headers, this.id), ...this.#debugHeaders() });
      // The words that count stand at the beginning.
      if (statusCode >= 500) stream.once('data', (chunk: Buffer) => (because = rejectedBecause(statusCode, chunk, false)));
      stream.pipe(raw);
    });
    let because: RejectedBecause = 'other';
    stream.once('end', () => this.#finish(statusCode >= 400 ? { kind: 'rejected', status: statusCode, because } : WHOLE));
  }

  /** Whether this error left everything as it was: no connection came about, so not a byte of the body was taken. Its lease is over then. */
  mayTryElsewhere(error: Error): boolean {
    const outcome = outcomeOfRequestError(causeOf(error));
    const { attemptsMax } = this.#options.forward;
    // Nobody else has a stored response: to ask there would make a 404 of a short outage.
    if (outcome.kind !== 'unreachable' || this.#attempt === undefined || this.#record.surface === 'stored-response') return false;
    if (this.#record.attempts >= attemptsMax) return false;
    this.#finish(outcome);
    this.#failed = outcome;
    return true;
  }

  /** No answer of the endpoint came about, or none of its bytes. */
  fail(error: Error): void {
    if (this.#reply.raw.destroyed) return;
    const cause = causeOf(error);
    const outcome: Outcome = this.#givenUp ?? outcomeOfRequestError(cause);
    this.#finish(outcome);
    this.#send(answerTo(outcome, this.#tried()));
  }

  sweep(nowMs: number): void {
    const { totalMs, clientStallMs } = this.#options.forward.limits;
    if (nowMs - this.#startedMs > totalMs) this.#giveUp(OVERDUE);
    else if (!this.#reply.raw.writableNeedDrain) {
      this.#fullSinceMs = undefined;
      if (this.#isLost(nowMs)) this.#giveUp(LOST);
    } else if (nowMs - (this.#fullSinceMs ??= nowMs) > clientStallMs) {
      this.#finish(CLIENT_GONE);
      this.#cut();
    }
  }

  #isLost(nowMs: number): boolean {
    if (this.#attempt === undefined) return false;
    const written = this.#reply.raw.socket?.bytesWritten ?? 0;
    const heard = this.#committed && written !== this.#writtenBytes;
    this.#writtenBytes = written;
    if (heard) this.#silentSinceMs = nowMs;
    return isLost(this.#options.forward.dispatcher.standing(this.#attempt, heard), nowMs - this.#silentSinceMs, this.#committed);
  }

  #giveUp(outcome: Outcome): void {
    this.#givenUp = outcome;
    this.#finish(outcome);
    this.#leaving.abort();
  }

  /** The answer ends in its middle. */
  #break(error: Error): void {
    this.#finish(outcomeOfRequestError(error));
    this.#cut();
  }

  /** To a client of HTTP/1.0 a connection that closes may be the end of a whole answer; one that is reset is not. */
  #cut(): void {
    const { raw, request } = this.#reply;
    if (request.raw.httpVersion === '1.0') raw.socket?.resetAndDestroy();
    else raw.destroy();
  }

  #tried(): Tried {
    return { attempts: this.#record.attempts, reasons: [] };
  }

  #answer(said: ErrorAnswer): FastifyReply {
    this.#record.outcome = said.status === 503 || said.status === 429 ? 'shed' : 'error';
    this.#record.reason = said.code;
    return this.#send(said);
  }

  #send(said: ErrorAnswer): FastifyReply {
    return answer(this.#reply.request, this.#reply, said);
  }

  #finish(outcome: Outcome): void {
    if (this.#attempt === undefined) return;
    this.#options.forward.sweep.delete(this);
    this.#options.forward.dispatcher.finish(this.#attempt, outcome);
    this.#attempt = undefined;
    this.#record.outcome = recordedOutcome(outcome);
    this.#record.reason = sentence(outcome);
  }

  #onClose(): void {
    const { raw } = this.#reply;
    if (this.#ticket !== undefined) {
      this.#options.forward.dispatcher.leave(this.#ticket);
      this.#record.outcome = recordedOutcome(CLIENT_GONE);
    }
    if (!raw.writableFinished) {
      this.#finish(CLIENT_GONE);
      this.#leaving.abort();
    }
    this.#record.durationMs = this.#options.forward.clock() - this.#startedMs;
    this.#record.status = raw.headersSent ? raw.statusCode : 499;
    this.#options.forward.observer.ended(this.#record);
  }
}

/** reply-from wraps what went wrong. */
function causeOf(error: Error): Error {
  return error.cause instanceof Error ? error.cause : error;
}
