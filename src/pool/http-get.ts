// http-get.ts: the small requests that endpoints are watched with.

import { Agent, buildConnector, type Dispatcher } from 'undici';

/** What came of it. `refused`: nothing listens there. `why` is a few words for people. */
export type GetResult =
  | { readonly kind: 'answer'; readonly status: number; readonly body: string }
  | { readonly kind: 'refused' }
  | { readonly kind: 'failed'; readonly why: string };

export interface GetRequest {
  /** `http://host:port` */
  readonly origin: string;
  readonly path: string;
  /** Sent as a bearer token. */
  readonly apiKey: string | undefined;
  /** `new` also tells whether new ones are accepted; a `kept` one may just be closing, which says nothing about the endpoint. */
  readonly connection: 'new' | 'kept';
  /** For all of it, from connecting to the last byte. */
  readonly timeoutMs: number;
}

/** Never rejects. */
export type HttpGet = (request: GetRequest) => Promise<GetResult>;

/** One engine's metrics are about 60 KB, and a server may run dozens of engines. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;
export const CONNECT_TIMEOUT_MS = 5000;
/** uvicorn closes an idle connection after 5 s. */
const KEEP_ALIVE_MS = 4000;

/**
 * Makes the requests over connections of its own, which `connect` opens. Redirects are not followed. `close` ends what is under way.
 */
export function createHttpGet(connect: buildConnector.connector = buildConnector({ timeout: CONNECT_TIMEOUT_MS })): { readonly get: HttpGet; readonly close: () => Promise<void> } {
  const options: Agent.Options = { maxResponseSize: BODY_BYTES_MAX, connect };
  const agents = {
    new: new Agent({ ...options, pipelining: 0 }),
    kept: new Agent({ ...options, keepAliveTimeout: KEEP_ALIVE_MS, keepAliveMaxTimeout: KEEP_ALIVE_MS }),
  };
  const get: HttpGet = ({ origin, path, apiKey, connection, timeoutMs }) =>
    new Promise((resolve) => {
      const headers = apiKey === undefined ? null : { authorization: `Bearer ${apiKey}` };
      agents[connection].dispatch({ origin, path, method: 'GET', headers }, new Reading(timeoutMs, resolve));
    });
  const close = async (): Promise<void> => {
    await Promise.all([agents.new.destroy(), agents.kept.destroy()]);
  };
  return { get, close };
}

/** An answer on its way. A stream, a signal and promises for each would be most of what watching costs. */
class Reading implements Dispatcher.DispatchHandler {
  readonly #timeoutMs: number;
  readonly #timer: NodeJS.Timeout;
  readonly #resolve: (result: GetResult) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #late: DOMException | undefined;
  #status = 0;
  readonly #pieces: Buffer[] = [];

  constructor(timeoutMs: number, resolve: (result: GetResult) => void) {
    this.#timeoutMs = timeoutMs;
    this.#resolve = resolve;
    this.#timer = setTimeout(() => this.#expire(), timeoutMs).unref();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#late !== undefined) controller.abort(this.#late);
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number): void {
    this.#status = status;
  }

  onResponseData(_: Dispatcher.DispatchController, piece: Buffer): void {
    this.#pieces.push(piece);
  }

  onResponseEnd(): void {
    this.#end({ kind: 'answer', status: this.#status, body: utf8.decode(Buffer.concat(this.#pieces)) });
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#end(failureOf(error, this.#timeoutMs));
  }

  #expire(): void {
    this.#late = new DOMException('', 'TimeoutError');
    // While it connects there is nothing to abort yet.
    if (this.#controller === undefined) this.#end(failureOf(this.#late, this.#timeoutMs));
    else this.#controller.abort(this.#late);
  }

  #end(result: GetResult): void {
    clearTimeout(this.#timer);
    this.#resolve(result);
  }
}

const utf8 = new TextDecoder();

function failureOf(error: unknown, timeoutMs: number): GetResult {
  const { code, name } = error as { code?: unknown; name?: unknown };
  if (code === 'ECONNREFUSED') return { kind: 'refused' };
  if (name === 'TimeoutError') return { kind: 'failed', why: `no answer within ${timeoutMs} ms` };
  return { kind: 'failed', why: typeof code === 'string' ? code : String(name) };
}
