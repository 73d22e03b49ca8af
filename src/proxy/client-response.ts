// client-response.ts: the answer to one client: committed once, written with backpressure, ended in one of three ways.

import type { ServerResponse } from 'node:http';
import { errorBody, type ErrorAnswer } from './error-answer.ts';
import type { Surface } from '../core/request.ts';

/** How long an error event may take to leave before the connection is cut all the same. */
const LAST_WORDS_MS = 1000;

/** What the client does to an answer that is under way. */
export interface ClientListener {
  onClientGone(): void;
  onClientDrained(): void;
}

export class ClientResponse {
  /** The status line has been released: no retry and no other answer is possible. */
  committed = false;
  /** The client left before its answer ended. */
  gone = false;
  #sized = false;
  #listener: ClientListener | undefined;
  #full = false;
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
    return this.committed ? this.#raw.statusCode : 499;
  }

  /** At most one listens at a time: the attempt under way. */
  listen(listener: ClientListener | undefined): void {
    this.#listener = listener;
  }

  commit(status: number, message: string | undefined, headers: string[]): void {
    this.committed = true;
    this.#raw.sendDate = !has(headers, 'date');
    this.#sized = has(headers, 'content-length');
    if (message === undefined || message === '') this.#raw.writeHead(status, headers);
    else this.#raw.writeHead(status, message, headers);
  }

  /** False when the client must read before more is written: `onClientDrained` tells when. */
  write(chunk: Buffer): boolean {
    if (this.#raw.write(chunk)) return true;
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
    this.#raw.end();
  }

  /** Answers by the router itself, when nothing has been committed. */
  refuse(answer: ErrorAnswer): void {
    if (this.gone) return;
    const body = errorBody(this.#surface, answer);
    const headers = ['content-type', 'application/json', 'content-length', String(Buffer.byteLength(body)), 'x-request-id', this.#requestId];
    if (answer.retryAfterS !== undefined) headers.push('retry-after', String(answer.retryAfterS));
    this.commit(answer.status, undefined, headers);
    this.#raw.end(body);
  }

  /**
   * Breaks a committed answer so that no client can take it for a whole one: `lastWords`, if any, then a cut connection.
   */
  abort(lastWords: string | undefined): void {
    const raw = this.#raw;
    if (this.gone || raw.writableEnded) return;
    if (lastWords === undefined) {
      this.#cut();
      return;
    }
    const cut = setTimeout(() => this.#cut(), LAST_WORDS_MS).unref();
    raw.write(lastWords, () => {
      clearTimeout(cut);
      this.#cut();
    });
  }

  /** An answer without chunks or a length ends where its connection ends, so only a reset says that it was cut. */
  #cut(): void {
    const raw = this.#raw;
    if (!this.#sized && !raw.chunkedEncoding) raw.socket?.resetAndDestroy();
    raw.destroy();
  }
}

/** `name` in lower case. */
function has(headers: readonly string[], name: string): boolean {
  for (let i = 0; i < headers.length; i += 2) if (headers[i]!.length === name.length && headers[i]!.toLowerCase() === name) return true;
  return false;
}
