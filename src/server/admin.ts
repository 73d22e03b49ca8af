// admin.ts: the listener for operators: is it alive, is it ready, what does it count, what does it know of its endpoints.

import fastify from 'fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import type { EndpointStatus, ModelStatus } from '../core/status.ts';
import { registerChoices, type ChoicesOptions } from './admin-choices.ts';
import { configAnswer, reloadAnswer, type ConfigStatus, type ReloadResult } from './admin-config.ts';
import { endpointAnswer, endpointsAnswer } from './admin-endpoints.ts';
import { guardAdmin, OPEN, type AdminAccess } from './admin-guard.ts';
import { registerPage } from './page.ts';
import type { PageOptions } from './page-told.ts';

interface Readiness {
  readonly ready: boolean;
  /** Plain sentences, or `draining`; empty when ready. */
  readonly reasons: readonly string[];
}

/** Everything is asked for when a request comes, nothing is kept. */
export interface AdminOptions {
  readonly version: string;
  readonly access: () => AdminAccess;
  readonly ready: () => Readiness;
  readonly statuses: () => readonly EndpointStatus[];
  readonly models: () => readonly ModelStatus[];
  /** Requests that wait for a slot. */
  readonly waiting: () => number;
  readonly metricsText: () => Promise<string>;
  readonly metricsContentType: string;
  readonly config: () => ConfigStatus;
  /** Reads the configuration again. Never rejects. */
  readonly reload: () => Promise<ReloadResult>;
  /** Drains an endpoint, or undoes that. Gives its state, undefined when there is none of this id. */
  readonly setDrained: (id: string, drained: boolean) => EndpointStatus | undefined;
  readonly choices: ChoicesOptions;
  /** What the page shows beside what is shown elsewhere. */
  readonly page: Pick<PageOptions, 'listeners' | 'lastMinute'>;
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
  guardAdmin(admin, options.access);

  admin.get('/live', { config: OPEN }, () => ({ live: true }));

  admin.get('/ready', { config: OPEN }, (_request, reply) => {
    const { ready, reasons } = options.ready();
    return reply.code(ready ? 200 : 503).send({ ready, reasons });
  });

  admin.get('/metrics', { config: OPEN }, async (_request, reply) => {
    const text = await options.metricsText();
    return reply.type(options.metricsContentType).send(text);
  });

  admin.get('/endpoints', (_request, reply) => reply.send(endpointsAnswer(options.version, options.statuses(), options.models(), options.waiting())));

  admin.get('/config', (_request, reply) => reply.send(configAnswer(options.config())));

  onPost(admin, '/reload', async (_request, reply) => {
    const { status, body } = reloadAnswer(await options.reload());
    return reply.code(status).send(body);
  });

  for (const [action, drained] of [['drain', true], ['undrain', false]] as const) {
    onPost(admin, `/endpoints/:id/${action}`, (request, reply) => {
      const { id } = request.params as { id: string };
      const status = options.setDrained(id, drained);
      return status === undefined ? reply.code(404).send({ error: `there is no endpoint ${id}` }) : reply.send(endpointAnswer(status));
    });
  }

  registerChoices(admin, options.choices);
  const { version, statuses, waiting, choices: { choices, clock } } = options;
  registerPage(admin, { ...options.page, version, statuses, waiting, choices, clock });

  admin.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
  });
  admin.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'not found' }));
  admin.setErrorHandler<FastifyError>((error, request, reply) => {
    // A client that left in the middle of its body is nobody's failure.
    const status = error.statusCode ?? (request.raw.errored === error ? 400 : 500);
    if (status < 500) return reply.code(status).send({ error: error.message });
    options.unexpected(error);
    return reply.code(500).send({ error: 'internal error' });
  });
  return admin;
}

/** Something that changes the router: only by POST. */
function onPost(admin: FastifyInstance, path: string, act: (request: FastifyRequest, reply: FastifyReply) => unknown): void {
  admin.all(path, (request, reply) => {
    if (request.method !== 'POST') return reply.code(405).header('allow', 'POST').send({ error: 'this takes POST' });
    return act(request, reply);
  });
}
