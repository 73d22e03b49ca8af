// client-response.ts: the answer to one client: committed once, written with backpressure, ended in one of three ways.

import type { ServerResponse } from 'node:http';
import { errorBody, errorEvent, retryHeaders, type ErrorAnswer } from './error-answer.ts';
import { messageOf, type HeldAnswer } from './held-answer.ts';
import type { Surface } from '../core/request.ts';
import { atTurnEnd } from './turn-end.ts';

/** Words beside a status that can be passed on; others mean nothing to anybody and are left out. */
const REASON_PHRASE = /^[\t\x20-\x7e\x80-\xff]+$/;
/** How long an error event may take to leave before the connection is cut all the same. */
const LAST_WORDS_MS = 1000;
const COMMENT = ': waiting\n\n';
/** A head and bytes behind it are two pieces of memory for one system call; as text they are one, which is less work for a short answer. One that is here as a whole goes with its end. */
const JOINED_MAX_BYTES = 16_384;

/** What the client does to an answer that is under way. */
export interface ClientListener {
  onClientGone(): void;
  onClientDrained(): void;
}

export class ClientResponse {
  /** An endpoint's answer, or the router's own, has begun: no retry and no other answer is possible. */
  committed = false;
  /** The client has the head of a stream and comments, and nothing of an answer: a retry is possible, another status is not. */
  opened = false;
  /** The client left before its answer ended. */
  gone = false;
  /** Of the answer's body, where its head says it. */
  #length: number | undefined;
  #begun = false;
  /** A short body that came at once. */
  #whole: string | undefined;
  #listener: ClientListener | undefined;
  #full = false;
  #explaining: (() => string[]) | undefined;
  readonly #raw: ServerResponse;
  readonly #surface: Surface | undefined;
  readonly #requestId: string;

  constructor(raw: ServerResponse, surface: Surface | undefined, requestId: string) {
    this.#raw = raw;
    this.#surface = surface;
    this.#requestId = requestId;
    this.gone = raw.destroyed || raw.socket?.destroyed === true;
    raw.on('close', () => {
      if (raw.writableEnded) return;
      this.gone = true;
      this.#listener?.onClientGone();
    });
    // A write to a client that left reports here; `close` follows and is what counts.
    raw.on('error', () => {});
  }

  get status(): number {
    return this.committed || this.opened ? this.#raw.statusCode : 499;
  }

  /** At most one listens at a time: the attempt under way. */
  listen(listener: ClientListener | undefined): void {
    this.#listener = listener;
  }

  /** Headers to be put beside those of the answer, whoever gives it. */
  explainWith(headers: () => string[]): void {
    this.#explaining = headers;
  }

  /** A client that waits for a stream hears that somebody is there. */
  comment(): void {
    if (this.gone || this.committed || this.#raw.writableNeedDrain) return;
    if (!this.opened) {
      this.opened = true;
      this.#raw.writeHead(200, this.#explained(['content-type', 'text/event-stream; charset=utf-8', 'x-request-id', this.#requestId]));
    }
    this.#raw.write(COMMENT);
  }

  /** To a client whose stream is open already the answer must be a stream, and only its bytes are of use. */
  commit(status: number, message: string | undefined, given: string[]): void {
    if (!this.opened) {
      const headers = this.#explained(given);
      this.#raw.sendDate = valueOf(headers, 'date') === undefined;
      const length = valueOf(headers, 'content-length');
      this.#length = length === undefined ? undefined : Number(length);
      if (message === undefined || !REASON_PHRASE.test(message)) this.#raw.writeHead(status, headers);
      else this.#raw.writeHead(status, message, headers);
    }
    // Only now: what cannot be written has not been released.
    this.committed = true;
  }

  /** False when the client must read before more is written: `onClientDrained` tells when. */
  write(chunk: Buffer): boolean {
    const isJoined = this.#length !== undefined && !this.#begun && chunk.length <= JOINED_MAX_BYTES;
    this.#begun = true;
    if (isJoined && chunk.length === this.#length) {
      this.#whole = chunk.toString('latin1');
      return true;
    }
    if (isJoined ? this.#raw.write(chunk.toString('latin1'), 'latin1') : this.#raw.write(chunk)) return true;
    if (!this.#full) {
      this.#full = true;
      this.#raw.once('drain', () => {
        this.#full = false;
        this.#listener?.onClientDrained();
      });
    }
    return false;
  }

  end(): void {
    atTurnEnd(() => this.#raw.end(this.#whole, 'latin1'));
  }

  /** Answers by the router itself, when nothing has been committed. An open stream gets it as its API's error event. */
  refuse(answer: ErrorAnswer): void {
    if (this.gone) return;
    if (this.opened) {
      this.#breakOpen(answer.message, answer.code);
      return;
    }
    const body = errorBody(this.#surface, answer);
    const headers = ['content-type', 'application/json', 'content-length', String(Buffer.byteLength(body)), 'x-request-id', this.#requestId, ...retryHeaders(answer)];
    this.commit(answer.status, undefined, headers);
    this.#raw.end(body);
  }

  /**
   * Gives the client an endpoint's error as it came, when nothing has been committed.
   *
   * @param own what the router would say: whether a server error should be tried again, and what an open stream is told of an error without words
   */
  release(held: HeldAnswer, own: ErrorAnswer): void {
    if (this.gone) return;
    if (this.opened) {
      this.#breakOpen(messageOf(held) ?? own.message, own.code);
      return;
    }
    const hinted = own.shouldRetry !== undefined && held.status >= 500;
    const headers = hinted ? [...without(held.headers, 'x-should-retry'), ...retryHeaders({ shouldRetry: own.shouldRetry })] : [...held.headers];
    this.commit(held.status, held.statusMessage, headers);
    this.#raw.end(held.body);
  }

  #explained(headers: string[]): string[] {
    return this.#explaining === undefined ? headers : [...headers, ...this.#explaining()];
  }

  #breakOpen(message: string, code: string): void {
    this.committed = true;
    this.abort(this.#surface === undefined ? undefined : errorEvent(this.#surface, message, code));
  }

  /**
   * Breaks a committed answer so that no client can take it for a whole one: what is still here of it, or `lastWords`, if any, then a cut connection.
   */
  abort(lastWords: string | undefined): void {
    const raw = this.#raw;
    if (this.gone || raw.writableEnded) return;
    // To what has a length nothing is added.
    const last = this.#whole === undefined ? lastWords : Buffer.from(this.#whole, 'latin1');
    if (last === undefined) {
      this.#cut();
      return;
    }
    const cut = setTimeout(() => this.#cut(), LAST_WORDS_MS).unref();
    raw.write(last, () => {
      clearTimeout(cut);
      this.#cut();
    });
  }

  /** An answer without chunks or a length ends where its connection ends, so only a reset says that it was cut. */
  #cut(): void {
    const raw = this.#raw;
    if (this.#length === undefined && !raw.chunkedEncoding) raw.socket?.resetAndDestroy();
    raw.destroy();
  }
}

/** `name` in lower case. */
function without(headers: readonly string[], name: string): string[] {
  return headers.filter((_, i) => headers[i - (i % 2)]!.toLowerCase() !== name);
}

/** `name` in lower case. */
function valueOf(headers: readonly string[], name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) if (headers[i]!.length === name.length && headers[i]!.toLowerCase() === name) return headers[i + 1];
  return undefined;
}
