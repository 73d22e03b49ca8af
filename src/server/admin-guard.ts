// admin-guard.ts: who may do what at the admin listener.

import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { showsToken } from './authenticate.ts';

/** How the listener can be reached, and what has to be shown there. Asked for with each request. */
export interface AdminAccess {
  /** Whether only this machine can reach it. */
  readonly onLoopback: boolean;
  /** SHA-256 of the token in hexadecimal digits; undefined: there is none. */
  readonly tokenSha256: string | undefined;
}

/** The `config` of a route that everybody who reaches the listener may have. */
export const OPEN = { open: 'to-all' } as const;
/** Of a route that shows no token, where one would open it: it holds nothing, and asks for the token. */
export const ASKS_FOR_TOKEN = { open: 'where-a-token-helps' } as const;

const LOOPBACK_ONLY = 'this is there only with admin.token, or where admin.host is a loopback address';
const BY_A_NAME = 'without admin.token this is there only by an address or as localhost: whoever owns another name can make it lead here';
const OTHER_ORIGIN = 'this is not for pages of another origin';
const NO_TOKEN = 'this needs the admin token: Authorization: Bearer …';

/**
 * Applies to every route that is added, whenever that is, and to what does not exist; but for routes whose `config` says otherwise. What may change
 * something, which is everything but GET and HEAD, is refused from pages of another origin: a browser on this machine is on this machine, whoever
 * wrote the page. A page whose own name is made to lead here is of no other origin, so without a token names are refused.
 */
export function guardAdmin(admin: FastifyInstance, access: () => AdminAccess): void {
  admin.addHook('onRequest', (request, reply, done) => {
    const { onLoopback, tokenSha256 } = access();
    const { open } = request.routeOptions.config as { open?: 'to-all' | 'where-a-token-helps' };
    const reads = request.method === 'GET' || request.method === 'HEAD';
    if (open !== 'to-all') {
      if (tokenSha256 !== undefined && open === undefined && !showsToken(request.headers, tokenSha256)) {
        reply.code(401).header('www-authenticate', 'Bearer').send({ error: NO_TOKEN });
        return;
      }
      if (tokenSha256 === undefined && !onLoopback) {
        reply.code(403).send({ error: LOOPBACK_ONLY });
        return;
      }
      if (tokenSha256 === undefined && !isAddress(request.headers)) {
        reply.code(403).send({ error: BY_A_NAME });
        return;
      }
    }
    if (reads || isOwnOrigin(request.headers)) done();
    else reply.code(403).send({ error: OTHER_ORIGIN });
  });
}

/** No browser leaves `Origin` out of what may change something. */
function isOwnOrigin({ origin, host = '' }: IncomingHttpHeaders): boolean {
  return origin === undefined || origin === `http://${host}` || origin === `https://${host}`;
}

/** Whether the host that was asked for is an address or localhost. No browser leaves it out. */
function isAddress({ host }: IncomingHttpHeaders): boolean {
  if (host === undefined) return true;
  const url = `http://${host}`;
  const { hostname } = URL.canParse(url) ? new URL(url) : { hostname: '' };
  return hostname === 'localhost' || isIP(hostname.replace(/^\[|\]$/g, '')) !== 0;
}
