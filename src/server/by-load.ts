// by-load.ts: surfaces that are forwarded unread, through reply-from, to the endpoint with the least in-flight.

import replyFrom from '@fastify/reply-from';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Agent, type Dispatcher as Undici } from 'undici';
import type { Ask, Assignment, Refusal } from '../core/dispatcher.ts';
import type { ByLoadFacts, StoredResponseFacts } from '../core/request.ts';
import { requestHeaders } from '../proxy/headers.ts';
import { connectionOptions } from '../proxy/upstream.ts';
import { ByLoadExchange, type EndpointAnswer } from './by-load-exchange.ts';
import type { ClientListenerOptions } from './options.ts';
import { announcedBytes, readBody, tooLarge } from './read-body.ts';
import { BY_LOAD_PATHS, rawPath, STORED_RESPONSE } from './surfaces.ts';

/** Carries through reply-from what it has no parameters for, in the one thing that it passes on: an object of headers. */
const SENT = Symbol('sent');

interface Sent {
  /** Name, value, name, value …: an object would have only the last of the lines that share a name. */
  readonly headers: string[];
  /** Says that the client left. */
  readonly signal: AbortSignal;
  /** undici's own limits do here. */
  readonly headersTimeout: number;
  readonly bodyTimeout: number;
}

type Carrier = Record<string, never> & { readonly [SENT]: Sent };

/** `current` says what holds now; a request keeps what it began with. */
export function registerByLoad(app: FastifyInstance, current: () => ClientListenerOptions): void {
  const agent = new Agent(connectionOptions(current().connect));
  app.addHook('onClose', () => agent.close());
  app.register(async (scope) => {
    await scope.register(replyFrom, { undici: carried(agent), disableRequestLogging: true, disableCache: true });
    for (const path of BY_LOAD_PATHS) scope.post(path, (request, reply) => relay(current(), request, reply, { kind: 'by-load' }));
    const stored = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
      const [, responseId = ''] = STORED_RESPONSE.exec(rawPath(request.raw.url ?? '')) ?? [];
      return relay(current(), request, reply, { kind: 'stored-response', responseId });
    };
    scope.get('/v1/responses/:id', stored);
    scope.post('/v1/responses/:id/cancel', stored);
  });
}

function carrying(sent: Sent): Carrier {
  return { [SENT]: sent } as Carrier;
}

/** What reply-from calls instead of the agent: the same request, with what rode along. */
function carried(agent: Agent): { request: Agent['request'] } {
  const request = (given: Undici.RequestOptions, callback: (error: Error | null, data: Undici.ResponseData) => void): void => {
    const { body } = given;
    agent.request({ ...given, ...(given.headers as Carrier)[SENT], body: body instanceof Readable ? unharmed(body) : (body ?? null) }, callback);
  };
  return { request: request as Agent['request'] };
}

/** A stream that fails to be sent is destroyed by undici, and with it the client's connection; what is only iterated is not. */
function unharmed(body: Readable): Readable {
  // Heard by whoever iterates, when somebody does.
  body.on('error', () => {});
  const iterable: AsyncIterable<unknown> = { [Symbol.asyncIterator]: () => body.iterator({ destroyOnReturn: false }) };
  // undici takes iterables, but its types do not say so.
  return iterable as Readable;
}

/** What the attempts for a request share. */
interface Course {
  readonly options: ClientListenerOptions;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly facts: ByLoadFacts | StoredResponseFacts;
  readonly exchange: ByLoadExchange;
  /** Undefined where its length was announced: then it is streamed. */
  readonly body: Buffer | undefined;
}

function relay(options: ClientListenerOptions, request: FastifyRequest, reply: FastifyReply, facts: ByLoadFacts | StoredResponseFacts): FastifyReply {
  const exchange = new ByLoadExchange(options, request, reply, facts.kind);
  if (announcedBytes(request) > options.bodyBytesMax) return exchange.refuseBody(tooLarge(options.bodyBytesMax));
  const course = { options, request, reply, facts, exchange };
  if (request.headers['transfer-encoding'] === undefined) return attempt({ ...course, body: undefined }, []);
  // Whether chunks are in order is known when the last one is here, and an endpoint gets no part of a body that is not.
  exchange.readsBody();
  readBody(request, reply, options, (body) => {
    if (Buffer.isBuffer(body)) attempt({ ...course, body }, []);
    else if (!reply.raw.destroyed) exchange.refuseBody(body);
  });
  return reply;
}

function attempt(course: Course, excluded: readonly string[]): FastifyReply {
  const { options, facts, exchange, reply } = course;
  const ask: Ask = { facts, listener: options.name, excluded, ...(excluded.length === 0 ? {} : { retry: 'free' }) };
  const go = (given: Assignment | Refusal): FastifyReply => (given.kind === 'refused' ? exchange.refuse(given) : send(course, excluded, given));
  const given = options.forward.dispatcher.assign(ask, (result) => {
    if (exchange.takesTurn(result)) go(result);
  });
  if (given.kind !== 'waiting') return go(given);
  exchange.wait(given.ticket);
  return reply;
}

function send(course: Course, excluded: readonly string[], assigned: Assignment): FastifyReply {
  const { options, request, reply, exchange, body } = course;
  const { id, origin, apiKey } = assigned.endpoint;
  const signal = exchange.begin(assigned);
  const { firstByteMs, idleMs } = options.forward.limits;
  const peer = request.socket.remoteAddress ?? '';
  const headers = sentHeaders(request, body, requestHeaders(request.raw.rawHeaders, exchange.id, exchange.trace, apiKey, options.isTrustedProxy(peer) ? peer : undefined));

  return reply.from(rawPath(request.raw.url ?? ''), {
    getUpstream: () => origin,
    // The type counts for nothing: the headers are those that ride along.
    ...(body === undefined ? {} : { body, contentType: 'application/octet-stream' }),
    // Attempts are the dispatcher's business: whatever reply-from would repeat by itself, it does not.
    retryDelay: () => null,
    rewriteRequestHeaders: () => carrying({ headers, signal, headersTimeout: firstByteMs, bodyTimeout: idleMs }),
    rewriteHeaders: () => ({}),
    // reply-from's types name the server's reply here; what comes is the answer of the endpoint.
    onResponse: (_request, _reply, upstream) => exchange.follow(upstream as unknown as EndpointAnswer),
    onError: (_reply, { error }) => {
      if (exchange.mayTryElsewhere(error)) attempt(course, [...excluded, id]);
      else exchange.fail(error);
    },
  });
}

/** With the length of the body: as the client gave it, or as it turned out. */
function sentHeaders(request: FastifyRequest, body: Buffer | undefined, filtered: string[]): string[] {
  const length = body === undefined ? request.headers['content-length'] : String(body.length);
  return length === undefined ? filtered : [...filtered, 'content-length', length];
}
