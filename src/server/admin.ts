// admin.ts: the listener for operators: is it alive, is it ready, what does it count, what does it know of its endpoints.

import fastify from 'fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import type { EndpointStatus, ModelStatus } from '../core/status.ts';
import { configAnswer, reloadAnswer, type ConfigStatus, type ReloadResult } from './admin-config.ts';
import { endpointAnswer, endpointsAnswer } from './admin-endpoints.ts';

interface Readiness {
  readonly ready: boolean;
  /** Plain sentences, or `draining`; empty when ready. */
  readonly reasons: readonly string[];
}

/** Everything is asked for when a request comes, nothing is kept. */
export interface AdminOptions {
  readonly version: string;
  /** Whether only this machine can reach it. Elsewhere it shows no more than that it is there and well, and changes nothing: nobody proves here who he is. */
  readonly onLoopback: boolean;
  readonly ready: () => Readiness;
  readonly statuses: () => readonly EndpointStatus[];
  readonly models: () => readonly ModelStatus[];
  readonly metricsText: () => Promise<string>;
  readonly metricsContentType: string;
  readonly config: () => ConfigStatus;
  /** Reads the configuration again. Never rejects. */
  readonly reload: () => Promise<ReloadResult>;
  /** Drains an endpoint, or undoes that. Gives its state, undefined when there is none of this id. */
  readonly setDrained: (id: string, drained: boolean) => EndpointStatus | undefined;
  /** A request failed here for a reason of our own. */
  readonly unexpected: (error: unknown) => void;
}

/** Longer than any `host:port` is when it is percent-encoded. */
const ID_LENGTH_MAX = 1024;

/** Not listening yet. What changes something is POST. */
export function createAdmin(options: AdminOptions): FastifyInstance {
  const admin = fastify({ logger: false, forceCloseConnections: true, bodyLimit: 1024, routerOptions: { maxParamLength: ID_LENGTH_MAX } });
  // Bodies say nothing here, so no form of one is wrong.
  admin.removeAllContentTypeParsers();
  admin.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, _body, done) => done(null));

  admin.get('/live', () => ({ live: true }));

  admin.get('/ready', (_request, reply) => {
    const { ready, reasons } = options.ready();
    return reply.code(ready ? 200 : 503).send({ ready, reasons });
  });

  admin.get('/metrics', async (_request, reply) => {
    const text = await options.metricsText();
    return reply.type(options.metricsContentType).send(text);
  });

  admin.get('/endpoints', (_request, reply) => {
    if (options.onLoopback) return reply.send(endpointsAnswer(options.version, options.statuses(), options.models()));
    return reply.code(403).send(LOOPBACK_ONLY);
  });

  admin.get('/config', (_request, reply) => (options.onLoopback ? reply.send(configAnswer(options.config())) : reply.code(403).send(LOOPBACK_ONLY)));

  onPost(admin, options, '/reload', async (_request, reply) => {
    const { status, body } = reloadAnswer(await options.reload());
    return reply.code(status).send(body);
  });

  for (const [action, drained] of [['drain', true], ['undrain', false]] as const) {
    onPost(admin, options, `/endpoints/:id/${action}`, (request, reply) => {
      const { id } = request.params as { id: string };
      const status = options.setDrained(id, drained);
      return status === undefined ? reply.code(404).send({ error: `there is no endpoint ${id}` }) : reply.send(endpointAnswer(status));
    });
  }

  admin.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
  });
  admin.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'not found' }));
  admin.setErrorHandler<FastifyError>((error, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status < 500) return reply.code(status).send({ error: error.message });
    options.unexpected(error);
    return reply.code(500).send({ error: 'internal error' });
  });
  return admin;
}

const LOOPBACK_ONLY = { error: 'this is there only where admin.host is a loopback address' };

/** Something that changes the router: only by POST, only from this machine. */
function onPost(admin: FastifyInstance, { onLoopback }: AdminOptions, path: string, act: (request: FastifyRequest, reply: FastifyReply) => unknown): void {
  admin.all(path, (request, reply) => {
    if (request.method !== 'POST') return reply.code(405).header('allow', 'POST').send({ error: 'this takes POST' });
    return onLoopback ? act(request, reply) : reply.code(403).send(LOOPBACK_ONLY);
  });
}
