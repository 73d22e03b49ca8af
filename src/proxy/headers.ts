// headers.ts: which headers cross the router, in either direction. Pure.

import type { IncomingHttpHeaders } from 'node:http';
import type { Trace } from './trace.ts';

/** They speak about one connection, and ours is another one. RFC 9110, section 7.6.1. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer', 'transfer-encoding', 'upgrade']);

/** Those, and what is set anew by the router or not the endpoint's business. */
const NOT_SENT_ON = new Set([...HOP_BY_HOP, 'host', 'content-length', 'authorization', 'x-api-key', 'expect', 'x-request-id', 'via', 'traceparent']);

const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;

/** Whether a client's request id may be used as it is. */
export function isRequestId(value: unknown): value is string {
  return typeof value === 'string' && REQUEST_ID.test(value);
}

/**
 * Raw name, value, name, value … of the client's request → the same for the endpoint's. The length is set by who sends.
 *
 * Names with an underscore stay behind: to many servers they are those with a hyphen.
 *
 * @param forwardedBy the peer's address where its word is taken on whom it forwards for; undefined where it is not, and then that stays behind too
 */
export function requestHeaders(raw: readonly string[], requestId: string, trace: Trace, apiKey: string | undefined, forwardedBy: string | undefined): string[] {
  const kept: string[] = [];
  let named: Set<string> | undefined;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!;
    const lower = name.toLowerCase();
    if (lower === 'connection') named = connectionTokens(raw[i + 1]!, named);
    if (NOT_SENT_ON.has(lower) || name.includes('_') || (forwardedBy === undefined && isForwarding(lower)) || (lower === 'tracestate' && !trace.isContinued)) continue;
    kept.push(name, raw[i + 1]!);
  }
  let out = named === undefined ? kept : without(kept, named);
  if (forwardedBy !== undefined) out = withForwarder(out, forwardedBy);
  out.push('x-request-id', requestId, 'traceparent', trace.traceparent);
  if (apiKey !== undefined) out.push('authorization', `Bearer ${apiKey}`);
  return out;
}

function isForwarding(lower: string): boolean {
  return lower.startsWith('x-forwarded-') || lower === 'forwarded';
}

/** The peer stands last in the chain of those who forwarded. */
function withForwarder(headers: readonly string[], forwarder: string): string[] {
  const isChain = (i: number): boolean => headers[i - (i % 2)]!.toLowerCase() === FORWARDED_FOR;
  const chain = headers.filter((_, i) => i % 2 === 1 && isChain(i));
  return [...headers.filter((_, i) => !isChain(i)), FORWARDED_FOR, [...chain, forwarder].join(', ')];
}

const FORWARDED_FOR = 'x-forwarded-for';

/**
 * The endpoint's raw headers → the client's. `server` stays hidden, and who may read the answer, and where it came from, is the router's to say.
 *
 * @param parsed the same headers as undici has read them: mostly the same letters, and to compare those is less work than to make texts of bytes
 */
export function responseHeaders(raw: readonly Buffer[], parsed: IncomingHttpHeaders, requestId: string): string[] {
  const kept: string[] = [];
  const names = Object.keys(parsed);
  let named: Set<string> | undefined;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const expected = names[i >> 1] ?? '';
    const name = textOf(raw[i]!, expected);
    const lower = name === expected ? expected : name.toLowerCase();
    if (lower === 'connection') named = connectionTokens(textOf(raw[i + 1]!, ''), named);
    if (!isHiddenFromClients(lower)) kept.push(name, textOf(raw[i + 1]!, parsed[expected]));
  }
  const out = named === undefined ? kept : without(kept, named);
  out.push('x-request-id', requestId);
  return out;
}

/** Each byte a character: `expected`, where that is what they are. */
function textOf(bytes: Buffer, expected: unknown): string {
  if (typeof expected !== 'string' || expected.length !== bytes.length) return bytes.toString('latin1');
  for (let i = 0; i < bytes.length; i += 1) if (bytes[i] !== expected.charCodeAt(i)) return bytes.toString('latin1');
  return expected;
}

/** Case does not matter, and of several lines the first counts. */
export function isEventStream(headers: IncomingHttpHeaders): boolean {
  return mediaType(headers).startsWith('text/event-stream');
}

export function isJson(headers: IncomingHttpHeaders): boolean {
  return mediaType(headers).startsWith('application/json');
}

/** Of several lines an array comes, whatever the types say. */
function mediaType(headers: IncomingHttpHeaders): string {
  const value: string | readonly string[] | undefined = headers['content-type'];
  const first = typeof value === 'string' || value === undefined ? value : value[0];
  return first?.trimStart().toLowerCase() ?? '';
}

/** The same for headers as an object with lower-case names, in which a name that came in several lines has an array. */
export function responseHeadersOf(headers: IncomingHttpHeaders, requestId: string): IncomingHttpHeaders {
  const named = connectionTokens(String(headers.connection ?? ''), undefined);
  const out: IncomingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) if (!isHiddenFromClients(name) && named?.has(name) !== true) out[name] = value;
  out['x-request-id'] = requestId;
  return out;
}

function isHiddenFromClients(lower: string): boolean {
  return HOP_BY_HOP.has(lower) || lower === 'server' || lower === 'x-request-id' || lower.startsWith('access-control-') || lower.startsWith('x-warmroute-');
}

/** Headers that a `Connection` header names belong to that connection too. Undefined when it names none, as nearly always. */
function connectionTokens(value: string, before: Set<string> | undefined): Set<string> | undefined {
  if (value === 'keep-alive' || value === 'close' || value === '') return before;
  const tokens = before ?? new Set();
  for (const token of value.split(',')) tokens.add(token.trim().toLowerCase());
  return tokens;
}

function without(headers: readonly string[], named: ReadonlySet<string>): string[] {
  return headers.filter((_, i) => !named.has(headers[i - (i % 2)]!.toLowerCase()));
}
