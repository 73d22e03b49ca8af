// admin.ts: the listener for operators: is it alive, is it ready, what does it count, what does it know of its endpoints.

import fastify from 'fastify';
import type { FastifyError, FastifyInstance } from 'fastify';

import type { EndpointStatus, ModelStatus } from '../core/status.ts';
import { endpointsAnswer } from './admin-endpoints.ts';

interface Readiness {
  readonly ready: boolean;
  /** Plain sentences, or `draining`; empty when ready. */
  readonly reasons: readonly string[];
}

/** Everything is asked for when a request comes, nothing is kept. */
export interface AdminOptions {
  readonly version: string;
  /** Whether only this machine can reach it. Elsewhere it shows nothing of the endpoints: nobody proves here who he is. */
  readonly onLoopback: boolean;
  readonly ready: () => Readiness;
  readonly statuses: () => readonly EndpointStatus[];
  readonly models: () => readonly ModelStatus[];
  readonly metricsText: () => Promise<string>;
  readonly metricsContentType: string;
  /** A request failed here for a reason of our own. */
  readonly unexpected: (error: unknown) => void;
}

/** Not listening yet. Serves GET and HEAD; nothing here changes anything. */
export function createAdmin(options: AdminOptions): FastifyInstance {
  const admin = fastify({ logger: false, forceCloseConnections: true, bodyLimit: 1024 });

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
    return reply.code(403).send({ error: 'endpoints are shown only where admin.host is a loopback address' });
  });

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
