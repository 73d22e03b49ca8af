// attempt.ts: one try of a request on one endpoint, from the connection to the last byte.

import type { IncomingHttpHeaders } from 'node:http';
import type { Agent, Dispatcher as Undici } from 'undici';
import type { EndpointAddress, Outcome, Standing } from '../core/dispatcher.ts';
import type { Surface } from '../core/request.ts';
import type { ClientListener, ClientResponse } from './client-response.ts';
import { withPiece } from './gathered-bytes.ts';
import { isEventStream, requestHeaders, responseHeaders } from './headers.ts';
import type { HeldAnswer } from './held-answer.ts';
import { joined, PlainAnswer } from './plain-answer.ts';
import { isLost } from './retry.ts';
import { StreamAnswer } from './stream-answer.ts';
import type { Swept, Sweep } from './sweep.ts';
import type { Trace } from './trace.ts';
import { outcomeOfError } from './upstream.ts';
import { UsageFilter } from './usage-filter.ts';

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
  /** See Exchange. */
  readonly forwardedBy: string | undefined;
  readonly body: Buffer;
  /** The engine was asked for usage that is none of the client's business. */
  readonly hidesUsage: boolean;
  readonly id: string;
  readonly trace: Trace;
  /** When the whole request began, by the sweep's clock. */
  readonly startedMs: number;
}

export interface AttemptDeps {
  readonly upstream: Agent;
  readonly sweep: Sweep;
  readonly limits: AttemptLimits;
  /** `isWhole`: the answer is here as a whole. */
  readonly onFirstToken: (responseId: string | undefined, isWhole: boolean) => void;
  /** Whether anything can be expected of the endpoint. `heard`: bytes came since this was asked last. */
  readonly standing: (heard: boolean) => Standing;
}

const NO_CHUNKS: readonly Buffer[] = [];
const NOTHING = Buffer.alloc(0);
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
  /** For the client, until it has them. */
  #headers: string[] = [];
  #answer: StreamAnswer | PlainAnswer | undefined;
  /** Between a stream, which has been looked at, and a client that asked for no usage. */
  #filter: UsageFilter | undefined;
  /** The answer's length is known or its parts are framed by a coding, so nothing may be added to it. */
  #sized = false;
  /** Chunks that came before the commit. */
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #held: HeldAnswer | undefined;
  #sentMs = 0;
  #lastByteMs = 0;
  #askedMs = 0;
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
    const { path, method, body, rawHeaders, forwardedBy, id, trace } = this.#request;
    this.#client.listen(this);
    this.#sentMs = this.#askedMs = this.#deps.sweep.add(this);
    const headers = requestHeaders(rawHeaders, id, trace, endpoint.apiKey, forwardedBy);
    try {
      this.#deps.upstream.dispatch({ origin: endpoint.origin, path, method: method as Undici.HttpMethod, headers, body }, this);
    } catch (error) {
      this.#end(outcomeOfError(error instanceof Error ? error : new Error(String(error)), false, false));
    }
    return this.ended;
  }

  /** Whether an error event may be put behind what the client has received. */
  get takesErrorEvent(): boolean {
    return this.#answer instanceof StreamAnswer && !this.#sized && (this.#filter ?? this.#answer).atBoundary;
  }

  /** The endpoint's error, when the attempt ended with one and nothing of it has gone to the client. */
  get held(): HeldAnswer | undefined {
    return this.#held;
  }

  onRequestStart(controller: Undici.DispatchController): void {
    this.#controller = controller;
    if (this.#over) controller.abort(new Error('abandoned before it was sent'));
  }

  onResponseStart(controller: Undici.DispatchController, status: number, headers: IncomingHttpHeaders, message?: string): void {
    if (status < 200 || this.#over) return;
    this.#status = status;
    this.#headers = responseHeaders((controller.rawHeaders ?? []) as Buffer[], headers, this.#request.id);
    // They are views of the bytes that brought them, and nobody reads them again.
    controller.rawHeaders = null;
    this.#statusMessage = message;
    this.#lastByteMs = this.#deps.sweep.nowMs;
    const encoded = headers['content-encoding'] !== undefined;
    this.#sized = encoded || headers['content-length'] !== undefined;
    const { surface, hidesUsage } = this.#request;
    if (status === 200 && !encoded && isEventStream(headers)) {
      this.#answer = new StreamAnswer(surface, this.#deps.onFirstToken);
      if (hidesUsage && !this.#sized) this.#filter = new UsageFilter();
    } else {
      this.#answer = new PlainAnswer(surface, status, headers, this.#deps.onFirstToken);
    }
  }

  onResponseData(controller: Undici.DispatchController, chunk: Buffer): void {
    if (this.#over || this.#answer === undefined) return;
    this.#lastByteMs = this.#deps.sweep.nowMs;
    const abortAt = this.#answer instanceof StreamAnswer ? this.#answer.abortIn(chunk) : -1;
    if (abortAt < 0) this.#take(this.#answer, controller, chunk);
    else this.#takeAborted(this.#answer, controller, chunk, abortAt);
  }

  /** The engine gives up: what came before that event passes. The event itself passes only where nothing did, and is judged there; else it would look like an end. */
  #takeAborted(answer: StreamAnswer | PlainAnswer, controller: Undici.DispatchController, chunk: Buffer, abortAt: number): void {
    const at = chunk.lastIndexOf('\n\n', abortAt) + 2;
    if (at > 1) this.#take(answer, controller, chunk.subarray(0, at));
    if (this.#over) return;
    if (this.#client.committed) this.#end({ kind: 'aborted' });
    else this.#take(answer, controller, at > 1 ? chunk.subarray(at) : chunk);
  }

  #take(answer: StreamAnswer | PlainAnswer, controller: Undici.DispatchController, chunk: Buffer): void {
    answer.feed(chunk);
    if (this.#client.committed) {
      if (!this.#relay(chunk)) this.#pause(controller);
      return;
    }
    this.#kept = withPiece(this.#kept, chunk);
    this.#keptBytes += chunk.length;
    if (answer instanceof StreamAnswer && answer.ended !== undefined) this.#end(answer.ended);
    else if (!this.#holds(answer)) this.#commit();
  }

  onResponseEnd(): void {
    if (this.#over || this.#answer === undefined) return;
    const outcome = this.#answer.outcome();
    if (outcome.kind === 'complete' && !this.#client.committed) this.#commit();
    this.#end(outcome);
  }

  onResponseError(_: Undici.DispatchController, error: Error): void {
    if (this.#over) return;
    // The terminal event is the end of the answer, whatever becomes of the connection after it.
    const outcome = this.#answer?.brokenOutcome();
    if (outcome !== undefined) this.#end(outcome, false);
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
    if (this.#answer instanceof StreamAnswer && this.#answer.holdsOpening) this.#commit();
    if (nowMs - this.#request.startedMs > totalMs) this.#end({ kind: 'timeout', limit: 'total_ms' });
    else if (this.#pausedMs !== undefined) {
      if (nowMs - this.#pausedMs > clientStallMs) this.#end({ kind: 'client_gone' });
    } else if (this.#isLost(nowMs)) this.#end({ kind: 'lost' });
    else if (!this.#client.committed && (this.#keptBytes === 0 || this.#answer instanceof StreamAnswer)) {
      if (nowMs - this.#sentMs > firstByteMs) this.#end({ kind: 'timeout', limit: 'first_byte_ms' });
    } else if (nowMs - this.#lastByteMs > idleMs) this.#end({ kind: 'timeout', limit: 'idle_ms' });
  }

  #isLost(nowMs: number): boolean {
    const standing = this.#deps.standing(this.#lastByteMs >= this.#askedMs);
    this.#askedMs = nowMs;
    return isLost(standing, nowMs - Math.max(this.#sentMs, this.#lastByteMs), this.#client.committed);
  }

  /** Comments say that somebody is there, which a client that has comments of the router's knows. */
  #holds(answer: StreamAnswer | PlainAnswer): boolean {
    if (!answer.holds) return false;
    return answer instanceof PlainAnswer || ((!answer.commented || this.#client.opened) && this.#keptBytes <= HELD_MAX_BYTES);
  }

  /** Releases the answer, with what came of it so far. */
  #commit(): void {
    if (this.#answer === undefined) return;
    if (this.#client.opened && this.#answer instanceof PlainAnswer) {
      // The client waits for a stream, and its head has told it that one comes.
      this.#end(this.#status < 400 ? { kind: 'failed' } : this.#answer.outcome());
      return;
    }
    this.#answer.release();
    this.#client.commit(this.#status, this.#statusMessage, this.#headers);
    this.#headers = [];
    let reads = true;
    for (const chunk of this.#kept) reads = this.#relay(chunk);
    this.#kept = NO_CHUNKS as Buffer[];
    if (!reads && this.#controller !== undefined) this.#pause(this.#controller);
  }

  /** A first event that is an error becomes the answer that it should have been. */
  #hold(status: number): HeldAnswer {
    if (!(this.#answer instanceof StreamAnswer)) return { status, statusMessage: this.#statusMessage, headers: this.#headers, body: joined(this.#kept) };
    const body = this.#answer.real?.body ?? NOTHING;
    return { status, statusMessage: undefined, headers: ['content-type', 'application/json', 'content-length', String(body.length), 'x-request-id', this.#request.id], body };
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

  /** @param whole whether all of an error came, so that the client can get it as it is */
  #end(outcome: Outcome, whole = true): void {
    if (this.#over) return;
    this.#over = true;
    this.#deps.sweep.delete(this);
    this.#client.listen(undefined);
    if (this.#answer instanceof StreamAnswer) this.#answer.close();
    if (outcome.kind === 'rejected' && whole && !this.#client.committed) this.#held = this.#hold(outcome.status);
    this.#kept = NO_CHUNKS as Buffer[];
    this.#relayRest();
    this.#resolve(outcome);
    // Frees the engine; does nothing to a request that has ended.
    if (outcome.kind !== 'complete') this.#controller?.abort(new Error(outcome.kind));
  }
}
