// client-listener.ts: one port for clients. Paths, limits and raw bodies; what happens to a request then is the proxy's business.

import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import fastify from 'fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { errorBody, type ErrorAnswer } from '../proxy/error-answer.ts';
import { ANYBODY } from '../core/identity.ts';
import type { Surface } from '../core/request.ts';
import { forward } from '../proxy/forward.ts';
import { isRequestId } from '../proxy/headers.ts';
import { newRecord } from '../proxy/new-record.ts';
import { BodyTooLarge, collectBody, tooLarge } from './body-limit.ts';
import { registerByLoad } from './by-load.ts';
import { modelsAnswer } from './models-answer.ts';
import type { ClientListenerOptions } from './options.ts';
import { BY_LOAD_PATHS, GENERATION_PATHS, rawPath, STORED_RESPONSE, surfaceOf } from './surfaces.ts';
import { followUnused } from './unused-connections.ts';

const KEEP_ALIVE_MS = 75_000;
/** For the whole of a request to arrive. */
const REQUEST_ARRIVES_MS = 300_000;
const PARAM_LENGTH_MAX = 256;

const BAD_REQUEST = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';

/** Not listening yet. `current` says what holds now; a request keeps what it began with. */
export function createClientListener(current: () => ClientListenerOptions): FastifyInstance {
  const app = fastify({
    logger: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: REQUEST_ARRIVES_MS,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: PARAM_LENGTH_MAX },
    clientErrorHandler: (_error, socket) => refuseBytes(socket),
    frameworkErrors: (_error, request, reply) => answer(request, reply, notFound()),
  });
  const closeUnused = followUnused(app.server);
  app.addHook('preClose', (done) => {
    closeUnused();
    done();
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => collectBody(payload, current().bodyBytesMax, done));

  app.addHook('onRequest', (request, reply, done) => {
    if (current().leaving()) reply.raw.shouldKeepAlive = false;
    // The router decodes before it matches; a path in disguise must not get through.
    const path = rawPath(request.raw.url ?? '');
    if (request.is404 || isKnownPath(path)) done();
    else answer(request, reply, notFound());
  });

  for (const [path, surface] of GENERATION_PATHS) {
    app.post(path, (request, reply) => {
      reply.hijack();
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const { name, forward: deps } = current();
      return forward(deps, { surface, listener: name, identity: ANYBODY, request: request.raw, response: reply.raw, body });
    });
  }
  app.get('/v1/models', (_request, reply) => reply.send(modelsAnswer(current().servedModels(), current().startedS)));
  app.get('/health', (_request, reply) => reply.code(current().healthy() ? 200 : 503).send());
  app.get('/v1/realtime', (request, reply) => answer(request, reply, { status: 501, message: 'WebSocket connections are not supported.', code: 'not_supported' }));
  registerByLoad(app, current);

  app.setNotFoundHandler((request, reply) => {
    const known = isKnownPath(rawPath(request.raw.url ?? ''));
    return answer(request, reply, known ? { status: 405, message: `The method ${request.method} is not allowed here.`, code: 'method_not_allowed' } : notFound());
  });
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const said = listenerError(error, current());
    noteUnread(current(), request, said);
    return answer(request, reply, said);
  });
  return app;
}

/** What came is no HTTP. While an answer is under way on the connection nothing may be put into it. */
function refuseBytes(socket: Socket & { readonly _httpMessage?: ServerResponse | null }): void {
  // Node keeps the answer under way here, and looks at it for the same purpose.
  if (!socket.writable || socket._httpMessage?.headersSent === true) socket.destroy();
  else socket.end(BAD_REQUEST, () => socket.destroy());
}

function answer(request: FastifyRequest, reply: FastifyReply, error: ErrorAnswer): FastifyReply {
  const surface = surfaceOf(rawPath(request.raw.url ?? ''));
  return reply.code(error.status).header('content-type', 'application/json').send(errorBody(surface, error));
}

const SURFACES: ReadonlyMap<string, Surface> = new Map(GENERATION_PATHS);

/** A request whose body never was here as a whole is a request all the same: it is counted and logged. */
function noteUnread({ name, forward: { observer } }: ClientListenerOptions, request: FastifyRequest, said: ErrorAnswer): void {
  const surface = SURFACES.get(rawPath(request.raw.url ?? ''));
  if (surface === undefined) return;
  const given = request.headers['x-request-id'];
  const record = newRecord(isRequestId(given) ? given : randomUUID(), name, surface);
  record.status = said.status;
  record.reason = said.code;
  observer.ended(record);
}

function notFound(): ErrorAnswer {
  return { status: 404, message: 'There is nothing at this path.', code: 'not_found' };
}

function listenerError(error: FastifyError, options: ClientListenerOptions): ErrorAnswer {
  const status = error.statusCode ?? 500;
  if (error instanceof BodyTooLarge) return tooLarge(error.bytesMax);
  if (status < 500) return { status: 400, message: 'The request could not be read.', code: 'invalid_request' };
  options.forward.unexpected(error);
  return { status: 500, message: 'The router failed to handle this request.', code: 'internal_error' };
}

const KNOWN_PATHS: ReadonlySet<string> = new Set([...GENERATION_PATHS.map(([path]) => path), ...BY_LOAD_PATHS, '/v1/models', '/health', '/v1/realtime']);

function isKnownPath(path: string): boolean {
  return KNOWN_PATHS.has(path) || STORED_RESPONSE.test(path);
}
