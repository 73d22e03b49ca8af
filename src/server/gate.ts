// gate.ts: who comes in at a client listener: known, and below its limits. Asked before any byte of a body is read.

import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ANYBODY, type Identity } from '../core/identity.ts';
import type { ErrorAnswer } from '../proxy/error-answer.ts';
import type { Authenticate } from './authenticate.ts';
import type { ClientLimits, Full } from './client-limits.ts';
import { methodsOf, rawPath } from './surfaces.ts';

export interface GateOptions {
  readonly authenticate: Authenticate;
  readonly clientLimits: ClientLimits;
}

const RETRY_AFTER_S = 1;
const UNAUTHORIZED: ErrorAnswer = { status: 401, message: 'There is no such API key.', code: 'invalid_api_key' };

/** Of who is not ANYBODY. */
const identities = new WeakMap<IncomingMessage, Identity>();

/** Who sent a request that was let in. */
export function identityOf(request: IncomingMessage): Identity {
  return identities.get(request) ?? ANYBODY;
}

/** Everything that exists has to pass, but `GET /health` and its HEAD. `refuse` answers. */
export function guard(app: FastifyInstance, current: () => GateOptions, refuse: (request: FastifyRequest, reply: FastifyReply, said: ErrorAnswer) => unknown): void {
  app.addHook('onRequest', (request, reply, done) => {
    const { raw } = request;
    const path = rawPath(raw.url ?? '');
    if (methodsOf(path).length === 0 || (path === '/health' && (raw.method === 'GET' || raw.method === 'HEAD'))) {
      done();
      return;
    }
    const { authenticate, clientLimits } = current();
    const identity = authenticate(raw.headers);
    if (identity === ANYBODY) {
      done();
      return;
    }
    const said = identity === undefined ? UNAUTHORIZED : tooMany(clientLimits.take(identity, reply.raw));
    if (identity !== undefined) identities.set(raw, identity);
    if (said === undefined) {
      done();
      return;
    }
    if (said.status === 401) reply.header('www-authenticate', 'Bearer');
    refuse(request, reply, said);
  });
}

function tooMany(full: Full | undefined): ErrorAnswer | undefined {
  if (full === undefined) return undefined;
  const whose = full.of === 'client' ? 'this API key' : 'this tenant';
  return { status: 429, message: `As many requests of ${whose} are in flight as may be (${full.max}). Try again later.`, code: `${full.of}_limit`, retryAfterS: RETRY_AFTER_S, shouldRetry: true };
}
