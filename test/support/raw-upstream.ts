// raw-upstream.ts: an endpoint on a bare socket: it keeps the bytes it is sent, and the bytes it answers are the test's.

import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Test } from 'tap';
import { RequestReader, type ReadRequest } from './request-reader.ts';

/** A whole request that came in, and the connection to answer it on. */
export interface RawRequest extends ReadRequest {
  readonly socket: Socket;
  /** Resolves when the connection is gone, however it went. */
  readonly closed: Promise<void>;
}

export interface RawUpstream {
  readonly url: string;
  /** `host:port` */
  readonly id: string;
  /** All requests but probes and scrapes, oldest first. */
  readonly requests: readonly RawRequest[];
  /** Resolves with request number `at`, counted from 0, when it is here. */
  request(at: number): Promise<RawRequest>;
  /** Connections that are open now and have carried more than probes. */
  openConnections(): number;
  /** Closes the port and leaves connections open, as a vLLM does that was told to stop. */
  refuse(): void;
  /** Closes the port and resets every connection. Idempotent. */
  close(): Promise<void>;
}

export interface RawUpstreamOptions {
  readonly models?: readonly string[];
  /** 0 takes a free one. */
  readonly port?: number;
  /** 127.0.0.1 when left out. */
  readonly host?: string;
}

const UNRECORDED = new Set(['/health', '/metrics', '/v1/models']);

/** Answers probes as a healthy engine does; every other request goes to `onRequest`, which writes the answer's bytes. */
export async function startRawUpstream(t: Test, onRequest: (request: RawRequest) => void, options: RawUpstreamOptions = {}): Promise<RawUpstream> {
  const upstream = new Upstream(onRequest, options.models ?? ['m']);
  await upstream.listen(options.port ?? 0, options.host ?? '127.0.0.1');
  t.teardown(() => upstream.close());
  return upstream;
}

class Upstream implements RawUpstream {
  readonly requests: RawRequest[] = [];
  id = '';
  readonly #waiting: (() => void)[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #used = new Set<Socket>();
  readonly #server: Server;
  readonly #onRequest: (request: RawRequest) => void;
  readonly #models: readonly string[];

  constructor(onRequest: (request: RawRequest) => void, models: readonly string[]) {
    this.#onRequest = onRequest;
    this.#models = models;
    this.#server = createServer({ noDelay: true }, (socket) => this.#onConnection(socket));
  }

  listen(port: number, host: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.id = `${host}:${(this.#server.address() as AddressInfo).port}`;
        resolve();
      });
    });
  }

  get url(): string {
    return `http://${this.id}`;
  }

  async request(at: number): Promise<RawRequest> {
    for (;;) {
      const found = this.requests[at];
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  openConnections(): number {
    return this.#used.size;
  }

  refuse(): void {
    this.#server.close();
  }

  async close(): Promise<void> {
    const closed = this.#server.listening ? new Promise((resolve) => this.#server.close(resolve)) : undefined;
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await closed;
  }

  #onConnection(socket: Socket): void {
    this.#sockets.add(socket);
    const closed = new Promise<void>((resolve) => {
      socket.on('close', () => {
        this.#sockets.delete(socket);
        this.#used.delete(socket);
        resolve();
      });
    });
    socket.on('error', () => {});
    const reader = new RequestReader((request) => {
      if (UNRECORDED.has(request.path)) {
        socket.write(this.#probeAnswer(request.path));
        return;
      }
      const raw = { ...request, socket, closed };
      this.#used.add(socket);
      this.requests.push(raw);
      for (const resolve of this.#waiting.splice(0)) resolve();
      this.#onRequest(raw);
    });
    socket.on('data', (chunk) => reader.feed(chunk));
  }

  #probeAnswer(path: string): string {
    const models = { object: 'list', data: this.#models.map((id) => ({ id, object: 'model', parent: null })) };
    const body = path === '/v1/models' ? JSON.stringify(models) : '';
    return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  }
}

/** Headers and body of an answer with its length. */
export function sized(status: number, body: string | Buffer, headers: readonly string[] = ['content-type: application/json']): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} Status\r\n${headers.map((line) => `${line}\r\n`).join('')}content-length: ${bytes.length}\r\n\r\n`), bytes]);
}

/** The head of a stream of events in chunks, as vLLM sends it. */
export const STREAM_HEAD = 'HTTP/1.1 200 OK\r\ndate: Tue, 24 Nov 2026 12:00:00 GMT\r\nserver: uvicorn\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n';

/** One chunk of a chunked body. */
export function chunk(bytes: string | Buffer): Buffer {
  const body = Buffer.from(bytes);
  return Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n')]);
}

export const LAST_CHUNK = '0\r\n\r\n';
