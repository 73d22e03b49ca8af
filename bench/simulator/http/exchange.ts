// exchange.ts: one request and its answer, with uvicorn's manners.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JournalEntry } from '../journal.ts';
import type { JsonObject } from '../text/chat-template.ts';

const reasons: Record<number, string> = {
  200: 'OK', 400: 'Bad Request', 401: 'Unauthorized', 404: 'Not Found', 405: 'Method Not Allowed', 500: 'Internal Server Error', 503: 'Service Unavailable',
};

/** Where a stream is to be cut, see fault.ts. */
interface Cut {
  readonly afterEvents: number;
  readonly clean: boolean;
}

export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  /** Part of the ids in the answer: the client's X-Request-Id, or made up. */
  readonly id: string;
  readonly entry: JournalEntry;
  body: JsonObject = {};
  cut: Cut | undefined;
  streaming = false;
  lastWriteMs = 0;
  #events = 0;
  #ended = false;
  readonly #isMuted: () => boolean;
  readonly #echoesId: boolean;

  constructor(request: IncomingMessage, response: ServerResponse, of: Pick<Exchange, 'path' | 'id' | 'entry'>, isMuted: () => boolean, echoesId: boolean) {
    this.request = request;
    this.response = response;
    this.path = of.path;
    this.id = of.id;
    this.entry = of.entry;
    this.#isMuted = isMuted;
    this.#echoesId = echoesId;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** A whole answer. */
  reply(status: number, body: string, contentType = 'application/json', extra: readonly string[] = []): void {
    if (this.#ended) return;
    this.#ended = true;
    const length = ['content-length', String(Buffer.byteLength(body))];
    const type = body === '' ? [] : ['content-type', contentType];
    this.#writeHead(status, [...extra, ...length, ...type]);
    this.response.end(this.request.method === 'HEAD' ? undefined : body);
  }

  /** Sends the head of an event stream at once, as vLLM does before prefill. */
  startStream(): void {
    this.streaming = true;
    this.lastWriteMs = Date.now();
    this.#writeHead(200, ['content-type', 'text/event-stream; charset=utf-8'], ['transfer-encoding', 'chunked']);
    this.response.flushHeaders();
  }

  /** One event, one chunk. */
  send(event: string): void {
    if (this.#ended || this.#isMuted()) return;
    if (this.cut !== undefined && this.#events >= this.cut.afterEvents) {
      this.#ended = true;
      if (this.cut.clean) this.response.end();
      else this.reset();
      return;
    }
    this.#events += 1;
    this.lastWriteMs = Date.now();
    this.response.write(event);
  }

  /** A comment that keeps the connection from looking dead. Not an event. */
  comment(): void {
    if (this.#ended || this.#isMuted()) return;
    this.lastWriteMs = Date.now();
    this.response.write(': keep-alive\n\n');
  }

  endStream(): void {
    if (this.#ended || this.#isMuted()) return;
    this.#ended = true;
    this.response.end();
  }

  reset(): void {
    this.#ended = true;
    this.request.socket.resetAndDestroy();
  }

  #writeHead(status: number, headers: readonly string[], last: readonly string[] = []): void {
    this.entry.status = status;
    const { response } = this;
    response.sendDate = false;
    const head = ['date', new Date().toUTCString(), 'server', 'uvicorn', ...headers, 'vary', 'Origin'];
    if (this.#echoesId) head.push('x-request-id', this.id);
    if (response.shouldKeepAlive) response.removeHeader('connection');
    else head.push('connection', 'close');
    response.writeHead(status, reasons[status] ?? '', [...head, ...last]);
  }
}
