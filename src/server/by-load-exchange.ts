// by-load-exchange.ts: one request that is forwarded unread: its record, its lease, its one outcome.

import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Assignment, Outcome } from '../core/dispatcher.ts';
import type { RequestRecord } from '../core/record.ts';
import type { Surface } from '../core/request.ts';
import { errorBody, type ErrorAnswer } from '../proxy/error-answer.ts';
import { isRequestId } from '../proxy/headers.ts';
import { newRecord } from '../proxy/new-record.ts';
import { answerTo, recordedOutcome, sentence } from '../proxy/retry.ts';
import type { Swept } from '../proxy/sweep.ts';
import { outcomeOfRequestError } from '../proxy/upstream.ts';
import { BodyTooLarge, tooLarge } from './body-limit.ts';
import type { ClientListenerOptions } from './options.ts';
import { rawPath, surfaceOf } from './surfaces.ts';

const OVERDUE: Outcome = { kind: 'timeout', limit: 'total_ms' };

export class ByLoadExchange implements Swept {
  readonly id: string;
  sweepIndex = -1;
  readonly #options: ClientListenerOptions;
  readonly #reply: FastifyReply;
  readonly #surface: Surface | undefined;
  readonly #record: RequestRecord;
  readonly #startedMs: number;
  readonly #leaving = new AbortController();
  #attempt: number | undefined;
  #overdue = false;

  constructor(options: ClientListenerOptions, request: FastifyRequest, reply: FastifyReply, kind: 'by-load' | 'stored-response') {
    const given = request.headers['x-request-id'];
    this.id = isRequestId(given) ? given : randomUUID();
    this.#options = options;
    this.#reply = reply;
    this.#surface = surfaceOf(rawPath(request.raw.url ?? ''));
    this.#record = newRecord(this.id, options.name, kind);
    this.#startedMs = options.forward.clock();
    reply.header('x-request-id', this.id);
    reply.raw.on('close', () => this.#onClose());
  }

  /** Answers by the router itself. */
  answer(answer: ErrorAnswer): FastifyReply {
    this.#record.outcome = answer.status === 503 ? 'shed' : 'error';
    this.#record.reason = answer.code;
    if (answer.retryAfterS !== undefined) this.#reply.header('retry-after', answer.retryAfterS);
    return this.#reply.code(answer.status).type('application/json').send(errorBody(this.#surface, answer));
  }

  /** From here on there is a lease. The signal says that the client left, or that its time is over. */
  begin(assigned: Assignment): AbortSignal {
    this.#attempt = assigned.attempt;
    this.#options.forward.sweep.add(this);
    this.#record.attempts = 1;
    this.#record.policy = assigned.policy;
    this.#record.pool = assigned.endpoint.pool;
    this.#record.endpoint = assigned.endpoint.id;
    return this.#leaving.signal;
  }

  /** The endpoint's answer begins: its end is the end of the lease. */
  follow(stream: Readable, status: number): void {
    const whole: Outcome = status >= 400 ? { kind: 'rejected', status } : { kind: 'complete', usage: undefined, responseId: undefined };
    stream.once('end', () => this.#finish(whole));
    stream.once('error', (error: Error) => this.#finish(outcomeOfRequestError(error)));
  }

  /** No answer of the endpoint came about. */
  fail(error: Error): void {
    const cause = error.cause instanceof Error ? error.cause : error;
    if (cause instanceof BodyTooLarge) {
      this.#finish({ kind: 'client_gone' });
      this.answer(tooLarge(this.#options.bodyBytesMax));
      return;
    }
    const outcome: Outcome = this.#overdue ? OVERDUE : outcomeOfRequestError(cause);
    this.#finish(outcome);
    this.answer(answerTo(outcome));
  }

  sweep(nowMs: number): void {
    if (nowMs - this.#startedMs <= this.#options.forward.limits.totalMs) return;
    this.#overdue = true;
    this.#finish(OVERDUE);
    this.#leaving.abort();
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
    if (!raw.writableFinished) {
      this.#finish({ kind: 'client_gone' });
      this.#leaving.abort();
    }
    this.#record.durationMs = this.#options.forward.clock() - this.#startedMs;
    this.#record.status = raw.headersSent ? raw.statusCode : 499;
    this.#options.forward.observer.ended(this.#record);
  }
}
