// http-get.ts: the small requests that endpoints are watched with.

import { Agent, buildConnector } from 'undici';

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
  const get: HttpGet = async ({ origin, path, apiKey, connection, timeoutMs }) => {
    const headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(new DOMException('', 'TimeoutError')), timeoutMs).unref();
    try {
      const answer = await agents[connection].request({ origin, path, method: 'GET', headers, signal: limit.signal });
      return { kind: 'answer', status: answer.statusCode, body: await answer.body.text() };
    } catch (error) {
      return failureOf(error, timeoutMs);
    } finally {
      // A signal that times out by itself makes an error, stack and all, also after an answer: 15 µs a request at 800 a second.
      clearTimeout(timer);
    }
  };
  const close = async (): Promise<void> => {
    await Promise.all([agents.new.destroy(), agents.kept.destroy()]);
  };
  return { get, close };
}

function failureOf(error: unknown, timeoutMs: number): GetResult {
  const { code, name } = error as { code?: unknown; name?: unknown };
  if (code === 'ECONNREFUSED') return { kind: 'refused' };
  if (name === 'TimeoutError') return { kind: 'failed', why: `no answer within ${timeoutMs} ms` };
  return { kind: 'failed', why: typeof code === 'string' ? code : String(name) };
}
