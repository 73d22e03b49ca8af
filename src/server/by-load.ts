// by-load.ts: surfaces that are forwarded unread, through reply-from, to the endpoint with the least in-flight.

import replyFrom from '@fastify/reply-from';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Agent, type Dispatcher as Undici } from 'undici';
import type { Ask, Assignment, Refusal } from '../core/dispatcher.ts';
import type { ByLoadFacts, StoredResponseFacts } from '../core/request.ts';
import { requestHeaders } from '../proxy/headers.ts';
import { connectionOptions } from '../proxy/upstream.ts';
import { BodyLimit } from './body-limit.ts';
import { ByLoadExchange, type EndpointAnswer } from './by-load-exchange.ts';
import type { ClientListenerOptions } from './options.ts';
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
  const agent = new Agent(
    connectionOptions({
      get connectMs() {
        return current().connectMs;
      },
    }),
  );
  app.addHook('onClose', () => agent.close());
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (request, payload, done) => {
      const sized = request.headers['content-length'] !== undefined;
      done(null, sized ? payload : payload.pipe(new BodyLimit(current().bodyBytesMax)));
    });
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

function relay(options: ClientListenerOptions, request: FastifyRequest, reply: FastifyReply, facts: ByLoadFacts | StoredResponseFacts): FastifyReply {
  const exchange = new ByLoadExchange(options, request, reply, facts.kind);
  if (Number(request.headers['content-length'] ?? 0) > options.bodyBytesMax) return exchange.refuseBody();
  return attempt(options, request, reply, facts, exchange, []);
}

function attempt(options: ClientListenerOptions, request: FastifyRequest, reply: FastifyReply, facts: ByLoadFacts | StoredResponseFacts, exchange: ByLoadExchange, excluded: readonly string[]): FastifyReply {
  const ask: Ask = { facts, listener: options.name, excluded, ...(excluded.length === 0 ? {} : { retry: 'free' }) };
  const go = (given: Assignment | Refusal): FastifyReply => (given.kind === 'refused' ? exchange.refuse(given) : send(options, request, reply, facts, exchange, excluded, given));
  const given = options.forward.dispatcher.assign(ask, (result) => {
    if (exchange.takesTurn(result)) go(result);
  });
  if (given.kind !== 'waiting') return go(given);
  exchange.wait(given.ticket);
  return reply;
}

function send(options: ClientListenerOptions, request: FastifyRequest, reply: FastifyReply, facts: ByLoadFacts | StoredResponseFacts, exchange: ByLoadExchange, excluded: readonly string[], assigned: Assignment): FastifyReply {
  const { id, origin, apiKey } = assigned.endpoint;
  const signal = exchange.begin(assigned);
  const { firstByteMs, idleMs } = options.forward.limits;

  return reply.from(rawPath(request.raw.url ?? ''), {
    getUpstream: () => origin,
    // Attempts are the dispatcher's business: whatever reply-from would repeat by itself, it does not.
    retryDelay: () => null,
    rewriteRequestHeaders: () => carrying({ headers: sentHeaders(request, requestHeaders(request.raw.rawHeaders, exchange.id, apiKey)), signal, headersTimeout: firstByteMs, bodyTimeout: idleMs }),
    rewriteHeaders: () => ({}),
    // reply-from's types name the server's reply here; what comes is the answer of the endpoint.
    onResponse: (_request, _reply, upstream) => exchange.follow(upstream as unknown as EndpointAnswer),
    onError: (_reply, { error }) => {
      if (exchange.mayTryElsewhere(error)) attempt(options, request, reply, facts, exchange, [...excluded, id]);
      else exchange.fail(error);
    },
  });
}

/** The length of the body as the client gave it. */
function sentHeaders(request: FastifyRequest, filtered: string[]): string[] {
  const length = request.headers['content-length'];
  return length === undefined ? filtered : [...filtered, 'content-length', length];
}
