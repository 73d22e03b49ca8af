// headers.ts: which headers cross the router, in either direction. Pure.

import type { IncomingHttpHeaders } from 'node:http';

/** They speak about one connection, and ours is another one. RFC 9110, section 7.6.1. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer', 'transfer-encoding', 'upgrade']);

/** Set anew by the router, or not the endpoint's business. */
const NOT_SENT_ON = new Set(['host', 'content-length', 'authorization', 'x-api-key', 'expect', 'x-request-id', 'forwarded', 'via']);

const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;

/** Whether a client's request id may be used as it is. */
export function isRequestId(value: unknown): value is string {
  return typeof value === 'string' && REQUEST_ID.test(value);
}

/** Raw name, value, name, value … of the client's request → the same for the endpoint's. The length is set by who sends. */
export function requestHeaders(raw: readonly string[], requestId: string, apiKey: string | undefined): string[] {
  const named = connectionTokens(raw);
  const out: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || NOT_SENT_ON.has(lower) || lower.startsWith('x-forwarded-') || named?.has(lower)) continue;
    out.push(name, raw[i + 1] as string);
  }
  out.push('x-request-id', requestId);
  if (apiKey !== undefined) out.push('authorization', `Bearer ${apiKey}`);
  return out;
}

/** The endpoint's raw headers → the client's. `server` stays hidden. */
export function responseHeaders(raw: readonly (Buffer | string)[], requestId: string): string[] {
  const pairs = raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1')));
  const named = connectionTokens(pairs);
  const out: string[] = [];
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    const name = pairs[i] as string;
    if (isHiddenFromClients(name.toLowerCase(), named)) continue;
    out.push(name, pairs[i + 1] as string);
  }
  out.push('x-request-id', requestId);
  return out;
}

/** The same for headers as an object with lower-case names. */
export function responseHeadersOf(headers: IncomingHttpHeaders, requestId: string): IncomingHttpHeaders {
  const named = connectionTokens(['connection', headers.connection ?? '']);
  const out: IncomingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) if (!isHiddenFromClients(name, named)) out[name] = value;
  out['x-request-id'] = requestId;
  return out;
}

function isHiddenFromClients(lower: string, named: ReadonlySet<string> | undefined): boolean {
  return HOP_BY_HOP.has(lower) || lower === 'server' || lower === 'x-request-id' || named?.has(lower) === true;
}

/** Headers that a `Connection` header names belong to that connection too. */
function connectionTokens(raw: readonly string[]): Set<string> | undefined {
  let tokens: Set<string> | undefined;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue;
    tokens ??= new Set();
    for (const token of (raw[i + 1] as string).split(',')) tokens.add(token.trim().toLowerCase());
  }
  return tokens;
}
