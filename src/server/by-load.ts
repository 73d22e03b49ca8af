// by-load.ts: surfaces that are forwarded unread, through reply-from, to the endpoint with the least in-flight.

import replyFrom from '@fastify/reply-from';
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Agent, type Dispatcher as Undici } from 'undici';
import type { ByLoadFacts, StoredResponseFacts } from '../core/request.ts';
import { requestHeaders, responseHeadersOf } from '../proxy/headers.ts';
import { connectionOptions } from '../proxy/upstream.ts';
import { BodyLimit, tooLarge } from './body-limit.ts';
import { ByLoadExchange } from './by-load-exchange.ts';
import type { ClientListenerOptions } from './options.ts';
import { BY_LOAD_PATHS, rawPath, STORED_RESPONSE } from './surfaces.ts';

/** Carries the client's leaving through reply-from, which has no parameter for it. Symbols are no headers to undici. */
const SIGNAL = Symbol('signal');

type SignalledHeaders = Record<string, string | string[] | undefined> & { [SIGNAL]?: AbortSignal };

export function registerByLoad(app: FastifyInstance, options: ClientListenerOptions): void {
  const agent = new Agent({ ...connectionOptions({ connectMs: options.connectMs }), headersTimeout: options.forward.limits.firstByteMs, bodyTimeout: options.forward.limits.idleMs });
  app.addHook('onClose', () => agent.close());
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (request, payload, done) => {
      const sized = request.headers['content-length'] !== undefined;
      done(null, sized ? payload : payload.pipe(new BodyLimit(options.bodyBytesMax)));
    });
    await scope.register(replyFrom, { undici: abortable(agent), disableRequestLogging: true, disableCache: true });
    for (const path of BY_LOAD_PATHS) scope.post(path, (request, reply) => relay(options, request, reply, { kind: 'by-load' }));
    const stored = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
      const [, responseId = ''] = STORED_RESPONSE.exec(rawPath(request.raw.url ?? '')) ?? [];
      return relay(options, request, reply, { kind: 'stored-response', responseId });
    };
    scope.get('/v1/responses/:id', stored);
    scope.post('/v1/responses/:id/cancel', stored);
  });
}

/** What reply-from calls instead of the agent: the same request, with the signal that rode along in its headers. */
function abortable(agent: Agent): { request: Agent['request'] } {
  const request = (given: Undici.RequestOptions, callback: (error: Error | null, data: Undici.ResponseData) => void): void => {
    const { [SIGNAL]: signal } = given.headers as SignalledHeaders;
    agent.request({ ...given, signal: signal ?? null }, callback);
  };
  return { request: request as Agent['request'] };
}

function relay(options: ClientListenerOptions, request: FastifyRequest, reply: FastifyReply, facts: ByLoadFacts | StoredResponseFacts): FastifyReply {
  const exchange = new ByLoadExchange(options, request, reply, facts.kind);
  if (Number(request.headers['content-length'] ?? 0) > options.bodyBytesMax) return exchange.answer(tooLarge(options.bodyBytesMax));
  const assigned = options.forward.dispatcher.assign({ facts, listener: options.name, excluded: [] });
  if (assigned.kind === 'refused') return exchange.answer({ ...assigned, code: assigned.reason });
  const signal = exchange.begin(assigned);

  return reply.from(rawPath(request.raw.url ?? ''), {
    getUpstream: () => assigned.endpoint.origin,
    // Attempts are the dispatcher's business: whatever reply-from would repeat by itself, it does not.
    retryDelay: () => null,
    rewriteRequestHeaders: (_request, raw) => sentHeaders(raw, requestHeaders(request.raw.rawHeaders, exchange.id, assigned.endpoint.apiKey), signal),
    rewriteHeaders: (headers) => responseHeadersOf(headers, exchange.id),
    onResponse: (_request, sent, upstream) => {
      // reply-from's types name the server's reply here; what comes is the answer of the endpoint.
      const { stream, statusCode } = upstream as unknown as { stream: Readable; statusCode: number };
      exchange.follow(stream, statusCode);
      sent.send(stream);
    },
    onError: (_reply, { error }) => exchange.fail(error),
  });
}

/** Lower-case names, as reply-from wants them; the length of the body as the client gave it. */
function sentHeaders(given: IncomingHttpHeaders, filtered: readonly string[], signal: AbortSignal): SignalledHeaders {
  const headers: SignalledHeaders = { 'content-length': given['content-length'], [SIGNAL]: signal };
  for (let i = 0; i + 1 < filtered.length; i += 2) headers[filtered[i]!.toLowerCase()] = filtered[i + 1];
  return headers;
}
