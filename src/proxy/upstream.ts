// upstream.ts: connections to endpoints, and what their errors mean. The only file of the proxy that knows undici's errors.

import { Agent, type buildConnector } from 'undici';
import type { Outcome } from '../core/dispatcher.ts';

/** uvicorn closes an idle connection after 5 s without saying so; leaving before it does avoids most races. */
const KEEP_ALIVE_MS = 4000;
const REUSED = Symbol('reused');

/** The agent for generation. Its own timeouts are off: the router's limits know prefill from a dead connection. */
export function createUpstream(connect: buildConnector.connector): Agent {
  return new Agent({ ...connectionOptions(connect), headersTimeout: 0, bodyTimeout: 0 });
}

/** How any connection to an endpoint is kept. Redirects are not followed. */
export function connectionOptions(connect: buildConnector.connector): Agent.Options {
  return {
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    connect: (options, callback) => {
      connect(options, (...result) => {
        // Listening first, so that the error that undici passes on already says whether the socket had served a request before.
        result[1]?.prependListener('error', (error: Error) => markReused(error, result[1]?.bytesRead ?? 0));
        callback(...result);
      });
    },
  };
}

function markReused(error: Error, bytesRead: number): void {
  // Whoever destroys the agent gives all of its sockets the same error, so it may be marked already.
  Object.defineProperty(error, REUSED, { value: bytesRead > 0, configurable: true });
}

/**
 * What an error of a request means.
 *
 * @param started whether the request had a connection
 * @param answered whether any byte of an answer had come
 */
export function outcomeOfError(error: Error, started: boolean, answered: boolean): Outcome {
  if (!started) return { kind: 'unreachable', refused: codeOf(error) === 'ECONNREFUSED' };
  return { kind: 'reset', stale: !answered && wasReused(error) };
}

/** The same for an error of which nothing is known but itself, of a request that has undici's own limits. */
export function outcomeOfRequestError(error: Error): Outcome {
  if (codeOf(error) === 'UND_ERR_HEADERS_TIMEOUT') return { kind: 'timeout', limit: 'first_byte_ms' };
  if (codeOf(error) === 'UND_ERR_BODY_TIMEOUT') return { kind: 'timeout', limit: 'idle_ms' };
  return outcomeOfError(error, !isConnectError(error), false);
}

function isConnectError(error: Error): boolean {
  const [first = error] = error instanceof AggregateError ? (error.errors as Error[]) : [];
  const syscall: unknown = 'syscall' in first ? first.syscall : undefined;
  return syscall === 'connect' || syscall === 'getaddrinfo' || codeOf(error) === 'UND_ERR_CONNECT_TIMEOUT';
}

function wasReused(error: Error): boolean {
  if (REUSED in error) return error[REUSED] === true;
  // undici's own error for a socket that the other side closed carries the socket's counters.
  const socket: unknown = 'socket' in error ? error.socket : undefined;
  return typeof socket === 'object' && socket !== null && 'bytesRead' in socket && typeof socket.bytesRead === 'number' && socket.bytesRead > 0;
}

function codeOf(error: Error): unknown {
  const own = 'code' in error ? error.code : undefined;
  if (own !== undefined || !(error instanceof AggregateError)) return own;
  const first: unknown = error.errors[0];
  return first instanceof Error ? codeOf(first) : undefined;
}
