// client-listener.ts: one port for clients. Paths, limits and raw bodies; what happens to a request then is the proxy's business.

import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import fastify from 'fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorAnswer } from '../proxy/error-answer.ts';
import type { RequestRecord } from '../core/record.ts';
import type { Surface } from '../core/request.ts';
import { forward } from '../proxy/forward.ts';
import { isRequestId } from '../proxy/headers.ts';
import { newRecord } from '../proxy/new-record.ts';
import { answer, endConnection, isAfterRefusal, refuseBytes, refuseSocket } from './answer.ts';
import { registerByLoad } from './by-load.ts';
import { admitOrigin } from './cors.ts';
import { framingProblem } from './framing.ts';
import { guard, identityOf } from './gate.ts';
import { serverOptions, type ListenerTls } from './listener-tls.ts';
import { modelsAnswer } from './models-answer.ts';
import type { ClientListenerOptions } from './options.ts';
import { announcedBytes, readBody } from './read-body.ts';
import { BY_LOAD_PATHS, GENERATION_PATHS, methodsOf, rawPath } from './surfaces.ts';
import { followUnused } from './unused-connections.ts';

const KEEP_ALIVE_MS = 75_000;
/** For the head of a request to arrive, the first on a connection included. */
const HEAD_ARRIVES_MS = 60_000;
/** How late a request that does not arrive may be noticed. */
const CHECKED_EVERY_MS = 1000;
const PARAM_LENGTH_MAX = 256;
/** What of a head is wrong is said in one place. */
const HTTP = { requireHostHeader: false, connectionsCheckingInterval: CHECKED_EVERY_MS };

/** Not listening yet. `current` says what holds now; a request keeps what it began with. */
export function createClientListener(current: () => ClientListenerOptions, tls?: ListenerTls): FastifyInstance {
  const app = fastify({
    logger: false,
    ...(tls === undefined ? { http: HTTP } : { https: { ...HTTP, ...serverOptions(tls) } }),
    keepAliveTimeout: KEEP_ALIVE_MS,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: PARAM_LENGTH_MAX },
    clientErrorHandler: refuseBytes,
    frameworkErrors: (_error, request, reply) => answer(request, reply, notFound()),
  });
  const closeUnused = followUnused(app.server);
  app.addHook('preClose', (done) => {
    closeUnused();
    done();
  });
  limitConnections(app.server, current());
  takeEveryHead(app.server);
  // Bodies are read where they are needed.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));

  app.addHook('onRequest', (request, reply, done) => {
    if (isAdmitted(request, reply, current())) done();
  });
  app.addHook('preParsing', (request, reply, _payload, done) => {
    if (!request.is404) awaitBody(request, reply, current());
    done();
  });
  guard(app, current, (request, reply, said) => {
    const path = rawPath(request.raw.url ?? '');
    const surface = SURFACES.get(path) ?? (BY_LOAD_PATHS.includes(path) ? 'by-load' : undefined);
    if (surface === undefined) answer(request, reply, said);
    else refuseBody(current(), request, reply, surface, said);
  });

  for (const [path, surface] of GENERATION_PATHS) {
    app.post(path, { onRequest: (request, reply) => takeGeneration(current(), request, reply, surface) }, neverCalled);
  }
  app.get('/v1/models', { exposeHeadRoute: true }, (_request, reply) => reply.send(modelsAnswer(current().servedModels(), current().startedS)));
  app.get('/health', { exposeHeadRoute: true }, (_request, reply) => reply.code(current().healthy() ? 200 : 503).send());
  app.get('/v1/realtime', (request, reply) => answer(request, reply, { status: 501, message: 'WebSocket connections are not supported.', code: 'not_supported' }));
  registerByLoad(app, current);

  app.setNotFoundHandler((request, reply) => {
    const methods = methodsOf(rawPath(request.raw.url ?? ''));
    if (methods.length === 0) return answer(request, reply, notFound());
    reply.header('allow', methods.join(', '));
    return answer(request, reply, { status: 405, message: `The method ${request.method} is not allowed here.`, code: 'method_not_allowed' });
  });
  app.setErrorHandler<FastifyError>((error, request, reply) => answer(request, reply, listenerError(error, current())));
  return app;
}

/** False when the request is answered already, or never will be. */
function isAdmitted(request: FastifyRequest, reply: FastifyReply, { leaving, corsOrigins }: ClientListenerOptions): boolean {
  if (isAfterRefusal(request.raw)) {
    reply.hijack();
    return false;
  }
  const { method = '', url: target = '', httpVersion: version, rawHeaders } = request.raw;
  const problem = framingProblem({ method, target, version, rawHeaders });
  if (problem !== undefined) {
    endConnection(request.raw, reply);
    answer(request, reply, problem);
    return false;
  }
  if (leaving()) reply.raw.shouldKeepAlive = false;
  // Node's parser drops what came with such a head, and takes the next bytes for a request, wherever they begin.
  if (request.headers.upgrade !== undefined) endConnection(request.raw, reply);
  // The router decodes before it matches; a path in disguise must not get through.
  const isKnown = methodsOf(rawPath(target)).length > 0;
  if (isKnown) return !admitOrigin(request, reply, corsOrigins);
  if (!request.is404) answer(request, reply, notFound());
  return request.is404;
}

/** The last hook of its request: what Fastify would do next, for a handler, is parse the type of a body that it does not read: 1.2 of 108 µs by a profile. */
function takeGeneration(options: ClientListenerOptions, request: FastifyRequest, reply: FastifyReply, surface: Surface): void {
  awaitBody(request, reply, options);
  readBody(request, reply, options, (body) => {
    if (Buffer.isBuffer(body)) generate(options, request, reply, surface, body);
    else refuseBody(options, request, reply, surface, body);
  });
}

function neverCalled(): void {}

function generate({ name, debugHeaders, forward: deps, isTrustedProxy }: ClientListenerOptions, request: FastifyRequest, reply: FastifyReply, surface: Surface, body: Buffer): void {
  reply.hijack();
  const peer = request.socket.remoteAddress ?? '';
  const exchange = { surface, listener: name, identity: identityOf(request.raw), request: request.raw, response: reply.raw, body, forwardedBy: isTrustedProxy(peer) ? peer : undefined, debugHeaders };
  void forward(deps, exchange);
}

/** As logs and metrics have it: no client sees it. */
const CLIENT_LEFT = 499;
const SURFACES: ReadonlyMap<string, Surface> = new Map(GENERATION_PATHS);

/** Holds for connections and requests that come from now on, and for heads and bodies that are on their way. */
export function limitConnections(server: Server, { clientBodyMs, connectionsMax }: ClientListenerOptions): void {
  server.requestTimeout = clientBodyMs;
  server.headersTimeout = Math.min(HEAD_ARRIVES_MS, clientBodyMs);
  server.maxConnections = connectionsMax ?? Infinity;
  // Node would leave out the rest and say nothing.
  server.maxHeadersCount = 0;
}

/** Node answers some requests by itself, and does not look at what else is wrong with them. */
function takeEveryHead(server: Server): void {
  for (const event of ['checkContinue', 'checkExpectation']) server.on(event, (request, response) => server.emit('request', request, response));
  server.on('connect', (_request, socket: Socket) => refuseSocket(socket, { status: 405, message: 'The method CONNECT is not allowed here.', code: 'method_not_allowed' }));
}

/** A client that waits to be told to send its body is. One that is refused need not be sent. */
function awaitBody(request: FastifyRequest, reply: FastifyReply, { bodyBytesMax }: ClientListenerOptions): void {
  const isAwaited = request.headers.expect !== undefined && request.raw.httpVersion !== '1.0';
  if (isAwaited && announcedBytes(request) <= bodyBytesMax) reply.raw.writeContinue();
}

/** A request whose body never was here as a whole is a request all the same: it is counted and logged. */
function refuseBody({ name, forward: { observer } }: ClientListenerOptions, request: FastifyRequest, reply: FastifyReply, surface: RequestRecord['surface'], said: ErrorAnswer): void {
  const given = request.headers['x-request-id'];
  const record = newRecord(isRequestId(given) ? given : randomUUID(), name, surface, identityOf(request.raw).client, '');
  if (request.raw.destroyed) {
    // The client left in the middle of its body: nobody's failure.
    record.status = CLIENT_LEFT;
    record.outcome = 'client_gone';
  } else {
    record.status = said.status;
    record.outcome = said.status === 503 || said.status === 429 ? 'shed' : 'error';
    record.reason = said.code;
  }
  observer.ended(record);
  answer(request, reply, said);
}

function notFound(): ErrorAnswer {
  return { status: 404, message: 'There is nothing at this path.', code: 'not_found' };
}

function listenerError(error: FastifyError, options: ClientListenerOptions): ErrorAnswer {
  if ((error.statusCode ?? 500) < 500) return { status: 400, message: 'The request could not be read.', code: 'invalid_request' };
  options.forward.unexpected(error);
  return { status: 500, message: 'The router failed to handle this request.', code: 'internal_error' };
}
