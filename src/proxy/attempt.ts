// attempt.ts: one try of a request on one endpoint, from the connection to the last byte.

import type { IncomingHttpHeaders } from 'node:http';
import type { Agent, Dispatcher as Undici } from 'undici';
import type { EndpointAddress, Outcome } from '../core/dispatcher.ts';
import type { Surface } from '../core/request.ts';
import type { ClientListener, ClientResponse } from './client-response.ts';
import { requestHeaders, responseHeaders } from './headers.ts';
import { SseScanner } from './sse.ts';
import type { Swept, Sweep } from './sweep.ts';
import { outcomeOfError } from './upstream.ts';
import { UsageFilter } from './usage-filter.ts';
import { findUsage } from './usage.ts';
import { isFirstToken, judgeStream, realAnswer, responseId } from './verdict.ts';

/** All in milliseconds; see the configuration's `timeouts`. */
export interface AttemptLimits {
  readonly firstByteMs: number;
  readonly idleMs: number;
  readonly clientStallMs: number;
  readonly totalMs: number;
}

export interface AttemptRequest {
  readonly surface: Surface;
  readonly method: string;
  /** With the query string, as the client sent it. */
  readonly path: string;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** The engine was asked for usage that is none of the client's business. */
  readonly hidesUsage: boolean;
  readonly id: string;
  /** When the whole request began, by the sweep's clock. */
  readonly startedMs: number;
}

export interface AttemptDeps {
  readonly upstream: Agent;
  readonly sweep: Sweep;
  readonly limits: AttemptLimits;
  readonly onFirstToken: (responseId: string | undefined) => void;
}

/** Of an answer that is not a stream, this much of its end is kept: the usage stands there. */
const TAIL_KEPT_BYTES = 65_536;
const NO_CHUNKS: readonly Buffer[] = [];
/** By the sweep's clock, which may be a quarter of a second late. */
const STALE_WITHIN_MS = 250;
/** What is held back of a stream in which no event ends; after that it goes on as it comes. */
const HELD_MAX_BYTES = 1_048_576;

/**
 * Sends the request and relays the answer to the client, up to but not including the end of the client's answer.
 *
 * Resolves exactly once, in the tick in which the upstream's end or the client's leaving arrives, and never rejects.
 */
export class Attempt implements Undici.DispatchHandler, ClientListener, Swept {
  readonly ended: Promise<Outcome>;
  sweepIndex = -1;
  readonly #deps: AttemptDeps;
  readonly #request: AttemptRequest;
  readonly #client: ClientResponse;
  #resolve: (outcome: Outcome) => void;

  #controller: Undici.DispatchController | undefined;
  #over = false;
  #status = 0;
  #statusMessage: string | undefined;
  #scanner: SseScanner | undefined;
  /** Between the scanner, which sees all, and a client that asked for no usage. */
  #filter: UsageFilter | undefined;
  #encoded = false;
  /** The answer's length is known or its parts are framed by a coding, so nothing may be added to it. */
  #sized = false;
  /** Chunks that came before the commit, or the last ones of an answer that is not a stream. */
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #sawFirstToken = false;
  #responseId: string | undefined;
  #sentMs = 0;
  #lastByteMs = 0;
  #pausedMs: number | undefined;

  constructor(deps: AttemptDeps, request: AttemptRequest, client: ClientResponse) {
    this.#deps = deps;
    this.#request = request;
    this.#client = client;
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.ended = promise;
    this.#resolve = resolve;
  }

  send(endpoint: EndpointAddress): Promise<Outcome> {
    const { path, method, body, rawHeaders, id } = this.#request;
    this.#client.listen(this);
    this.#sentMs = this.#deps.sweep.add(this);
    const headers = requestHeaders(rawHeaders, id, endpoint.apiKey);
    try {
      this.#deps.upstream.dispatch({ origin: endpoint.origin, path, method: method as Undici.HttpMethod, headers, body }, this);
    } catch (error) {
      this.#end(outcomeOfError(error instanceof Error ? error : new Error(String(error)), false, false));
    }
    return this.ended;
  }

  /** Whether an error event may be put behind what the client has received. */
  get takesErrorEvent(): boolean {
    return this.#scanner !== undefined && !this.#sized && (this.#filter ?? this.#scanner).atBoundary;
  }

  onRequestStart(controller: Undici.DispatchController): void {
    this.#controller = controller;
    if (this.#over) controller.abort(new Error('abandoned before it was sent'));
  }

  onResponseStart(_: Undici.DispatchController, status: number, headers: IncomingHttpHeaders, message?: string): void {
    if (status < 200 || this.#over) return;
    this.#status = status;
    this.#statusMessage = message;
    this.#lastByteMs = this.#deps.sweep.nowMs;
    this.#encoded = headers['content-encoding'] !== undefined;
    this.#sized = this.#encoded || headers['content-length'] !== undefined;
    if (status === 200 && !this.#encoded && headers['content-type']?.startsWith('text/event-stream') === true) {
      this.#scanner = new SseScanner();
      this.#scanner.listener = (event) => this.#onEvent(event);
      if (this.#request.hidesUsage && !this.#sized) this.#filter = new UsageFilter();
    }
  }

  onResponseData(controller: Undici.DispatchController, chunk: Buffer): void {
    if (this.#over) return;
    this.#lastByteMs = this.#deps.sweep.nowMs;
    if (this.#scanner !== undefined) {
      this.#scanner.feed(chunk);
      // The first event may have turned out to be an error, which ends the attempt.
      if (this.#over) return;
      if (!this.#client.committed && this.#scanner.events === 0 && this.#scanner.comments === 0 && this.#keptBytes < HELD_MAX_BYTES) {
        this.#kept.push(chunk);
        this.#keptBytes += chunk.length;
        return;
      }
    } else {
      this.#keepTail(chunk);
      if (this.#request.surface === 'responses') this.#responseId ??= responseId(chunk);
      if (this.#status < 400 && !this.#sawFirstToken) this.#firstToken();
    }
    if (!this.#client.committed) this.#commit();
    if (!this.#relay(chunk)) this.#pause(controller);
  }

  onResponseEnd(): void {
    if (this.#over) return;
    if (this.#scanner !== undefined) {
      this.#end(this.#withResponseId(judgeStream(this.#request.surface, this.#scanner.last)));
      return;
    }
    if (!this.#client.committed) this.#commit();
    if (this.#status >= 400) this.#end({ kind: 'rejected', status: this.#status, because: 'other' });
    else this.#end({ kind: 'complete', usage: this.#encoded ? undefined : findUsage(joined(this.#kept)), responseId: this.#responseId });
  }

  onResponseError(_: Undici.DispatchController, error: Error): void {
    if (this.#over) return;
    // The terminal event is the end of the answer, whatever becomes of the connection after it.
    const judged = this.#scanner === undefined ? undefined : judgeStream(this.#request.surface, this.#scanner.last);
    if (judged?.kind === 'complete') this.#end(this.#withResponseId(judged));
    else {
      // An idle connection that was closed says so as soon as it is written to; later it was an engine that died.
      const atOnce = this.#deps.sweep.nowMs - this.#sentMs <= STALE_WITHIN_MS;
      this.#end(outcomeOfError(error, this.#controller !== undefined, this.#status !== 0 || !atOnce));
    }
  }

  onClientGone(): void {
    this.#end({ kind: 'client_gone' });
  }

  onClientDrained(): void {
    if (this.#pausedMs === undefined) return;
    this.#pausedMs = undefined;
    this.#lastByteMs = this.#deps.sweep.nowMs;
    this.#controller?.resume();
  }

  sweep(nowMs: number): void {
    const { firstByteMs, idleMs, clientStallMs, totalMs } = this.#deps.limits;
    if (nowMs - this.#request.startedMs > totalMs) this.#end({ kind: 'timeout', limit: 'total_ms' });
    else if (this.#pausedMs !== undefined) {
      if (nowMs - this.#pausedMs > clientStallMs) this.#end({ kind: 'client_gone' });
    } else if (!this.#client.committed) {
      if (nowMs - this.#sentMs > firstByteMs) this.#end({ kind: 'timeout', limit: 'first_byte_ms' });
    } else if (nowMs - this.#lastByteMs > idleMs) this.#end({ kind: 'timeout', limit: 'idle_ms' });
  }

  #onEvent(event: Buffer): void {
    if (!this.#client.committed) {
      const real = realAnswer(event);
      if (real !== undefined) {
        this.#answerFor(real.status, real.body);
        return;
      }
    }
    if (this.#request.surface === 'responses') this.#responseId ??= responseId(event);
    if (!isFirstToken(this.#request.surface, event)) return;
    if (this.#scanner !== undefined) this.#scanner.listener = undefined;
    this.#firstToken();
  }

  #firstToken(): void {
    this.#sawFirstToken = true;
    this.#deps.onFirstToken(this.#responseId);
  }

  /** The stream's first event says that there is no stream: the client gets the answer that it should have been. */
  #answerFor(status: number, body: Buffer): void {
    const headers = ['content-type', 'application/json', 'content-length', String(body.length), 'x-request-id', this.#request.id];
    this.#client.commit(status, undefined, headers);
    this.#client.write(body);
    this.#end({ kind: 'rejected', status, because: 'other' });
  }

  #commit(): void {
    this.#client.commit(this.#status, this.#statusMessage, responseHeaders((this.#controller?.rawHeaders ?? []) as Buffer[], this.#request.id));
    if (this.#scanner === undefined) return;
    for (const chunk of this.#kept) this.#relay(chunk);
    this.#kept = [];
  }

  #relay(chunk: Buffer): boolean {
    if (this.#filter === undefined) return this.#client.write(chunk);
    let reads = true;
    for (const part of this.#filter.feed(chunk)) reads = this.#client.write(part);
    return reads;
  }

  #relayRest(): void {
    const rest = this.#filter?.end();
    if (rest !== undefined && rest.length > 0 && !this.#client.gone) this.#client.write(rest);
  }

  #pause(controller: Undici.DispatchController): void {
    if (this.#pausedMs !== undefined) return;
    this.#pausedMs = this.#deps.sweep.nowMs;
    controller.pause();
  }

  #keepTail(chunk: Buffer): void {
    if (this.#encoded) return;
    this.#kept.push(chunk);
    this.#keptBytes += chunk.length;
    while (this.#keptBytes - (this.#kept[0]?.length ?? 0) >= TAIL_KEPT_BYTES) this.#keptBytes -= this.#kept.shift()?.length ?? 0;
  }

  #withResponseId(outcome: Outcome): Outcome {
    return outcome.kind === 'complete' ? { ...outcome, responseId: this.#responseId } : outcome;
  }

  #end(outcome: Outcome): void {
    if (this.#over) return;
    this.#over = true;
    this.#deps.sweep.delete(this);
    this.#client.listen(undefined);
    if (this.#scanner !== undefined) this.#scanner.listener = undefined;
    this.#kept = NO_CHUNKS as Buffer[];
    this.#relayRest();
    this.#resolve(outcome);
    // Frees the engine; does nothing to a request that has ended.
    if (outcome.kind !== 'complete') this.#controller?.abort(new Error(outcome.kind));
  }
}

function joined(chunks: readonly Buffer[]): Buffer {
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}
