// cors.ts: what browsers ask before a page of another origin may speak to the router. Without origins that are let in, nothing of it is there.

import type { FastifyReply, FastifyRequest } from 'fastify';

const PREFLIGHT_HOLDS_S = '600';
const HEADER_NAMES = /^[A-Za-z0-9-]+(?:[ \t]*,[ \t]*[A-Za-z0-9-]+)*$/;

/** Notes on the answer that the page may read it. True when the request was the question itself, which is answered then. */
export function admitOrigin(request: FastifyRequest, reply: FastifyReply, origins: ReadonlySet<string>): boolean {
  if (origins.size === 0) return false;
  // On the raw answer, because relayed ones are written there.
  reply.raw.setHeader('vary', 'Origin');
  const { origin, 'access-control-request-method': method, 'access-control-request-headers': headers } = request.headers;
  if (origin === undefined || !origins.has(origin)) return false;
  reply.raw.setHeader('access-control-allow-origin', origin);
  reply.raw.setHeader('access-control-expose-headers', 'x-request-id, retry-after');
  if (request.method !== 'OPTIONS' || method === undefined) return false;
  reply.header('access-control-allow-methods', 'GET, POST').header('access-control-max-age', PREFLIGHT_HOLDS_S);
  if (typeof headers === 'string' && HEADER_NAMES.test(headers)) reply.header('access-control-allow-headers', headers);
  reply.code(204).send();
  return true;
}
