// answer.ts: how a client listener refuses, and connections on which nothing more is read after it has.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { errorBody, retryHeaders, type ErrorAnswer } from '../proxy/error-answer.ts';
import { rawPath, surfaceOf } from './surfaces.ts';

/** What follows a refused request there may be its body in disguise. */
const refused = new WeakSet<Socket>();

/** Whether a request on this connection was refused, so that this one must not be looked at. */
export function isAfterRefusal(request: IncomingMessage): boolean {
  return refused.has(request.socket);
}

/** Answers with an error. Where the request has not ended its connection does. */
export function answer(request: FastifyRequest, reply: FastifyReply, error: ErrorAnswer): FastifyReply {
  if (!request.raw.complete) endConnection(request.raw, reply);
  const headers = retryHeaders(error);
  for (let i = 0; i < headers.length; i += 2) reply.header(headers[i]!, headers[i + 1]);
  return reply.code(error.status).header('content-type', 'application/json').send(errorBody(surfaceOf(rawPath(request.raw.url ?? '')), error));
}

/** The connection ends with the answer to this request, whoever gives it, and requests that are on it already are not looked at. */
export function endConnection(request: IncomingMessage, reply: FastifyReply): void {
  refused.add(request.socket);
  reply.raw.shouldKeepAlive = false;
}

interface HttpSocket extends Socket {
  /** Node keeps the answer under way here, and looks at it for the same purpose. */
  readonly _httpMessage?: (ServerResponse & { readonly req: IncomingMessage }) | null;
}

/** Answers what never became a request: bytes that are no HTTP, or that do not come. */
export function refuseBytes(error: Error & { readonly code?: string }, socket: HttpSocket): void {
  const underWay = socket._httpMessage;
  if (refused.has(socket)) return;
  refused.add(socket);
  // Nothing may be put into an answer under way, or before the answer to a whole request: that one ends its connection. Nor can anything be said before a handshake is over.
  if (!socket.writable || underWay?.headersSent === true || isShakingHands(socket)) socket.destroy();
  else if (underWay?.req.complete === true) underWay.shouldKeepAlive = false;
  else refuseSocket(socket, answerToBytes(error.code));
}

/** With TLS 1.3 the server has said its last word of a handshake before the client has. */
function isShakingHands(socket: Socket): boolean {
  return socket instanceof TLSSocket && socket.getPeerFinished() === undefined;
}

/** Answers on a connection that no request has. */
export function refuseSocket(socket: Socket, error: ErrorAnswer): void {
  // Of a connection that it hands over Node hears no error any more.
  socket.on('error', () => {});
  const body = errorBody(undefined, error);
  const head = [`HTTP/1.1 ${error.status} ${REASONS[error.status] ?? 'Bad Request'}`, 'Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close'];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

const REASONS: Readonly<Record<number, string>> = { 405: 'Method Not Allowed', 408: 'Request Timeout', 431: 'Request Header Fields Too Large' };

function answerToBytes(code: string | undefined): ErrorAnswer {
  if (code === 'HPE_HEADER_OVERFLOW') return { status: 431, message: 'The header of the request is too large.', code: 'headers_too_large' };
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return { status: 408, message: 'The request did not arrive in time.', code: 'request_timeout' };
  return { status: 400, message: 'The request is not valid HTTP/1.1.', code: 'invalid_http' };
}
