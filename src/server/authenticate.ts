// authenticate.ts: who shows which secret. Of secrets only their SHA-256 is known here.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { ANYBODY, type Identity } from '../core/identity.ts';

export interface ClientKey {
  readonly name: string;
  /** In hexadecimal digits. */
  readonly keySha256: string;
  readonly tenant: string;
}

/** Gives the identity of who sent these headers; undefined when they show no key that is known. */
export type Authenticate = (headers: IncomingHttpHeaders) => Identity | undefined;

/**
 * Without any key everybody is ANYBODY. A key is shown as `Authorization: Bearer …` or as `x-api-key`; of two the first counts that is known.
 * How long it takes does not depend on which key it is, nor on how much of one is right.
 */
export function authenticateBy(keys: readonly ClientKey[]): Authenticate {
  if (keys.length === 0) return () => ANYBODY;
  const known = keys.map(({ name, tenant, keySha256 }) => ({ identity: { client: name, tenant }, digest: Buffer.from(keySha256, 'hex') }));
  return (headers) => {
    let found: Identity | undefined;
    for (const shown of [bearerOf(headers), apiKeyOf(headers)]) {
      if (shown === undefined) continue;
      const digest = digestOf(shown);
      for (const each of known) if (timingSafeEqual(each.digest, digest)) found ??= each.identity;
    }
    return found;
  };
}

/** Whether the bearer token is the one with this SHA-256, in hexadecimal digits. */
export function showsToken(headers: IncomingHttpHeaders, tokenSha256: string): boolean {
  const shown = bearerOf(headers);
  return shown !== undefined && timingSafeEqual(Buffer.from(tokenSha256, 'hex'), digestOf(shown));
}

function bearerOf({ authorization }: IncomingHttpHeaders): string | undefined {
  return /^bearer +(.+)$/i.exec(authorization ?? '')?.[1];
}

function apiKeyOf({ 'x-api-key': key }: IncomingHttpHeaders): string | undefined {
  return typeof key === 'string' && key !== '' ? key : undefined;
}

/** Of the bytes as they came: Node gives each as one character. */
function digestOf(shown: string): Buffer {
  return createHash('sha256').update(shown, 'latin1').digest();
}
