// tenant-salt.ts: the salt under which an engine keeps one tenant's prompts apart from another's.

import { createHmac } from 'node:crypto';

/**
 * 64 hexadecimal digits that nobody can find without `secret`, the same for the same tenant and salt of the client's own.
 *
 * Each field stands behind its length: a client that chooses its salt must not land in another tenant.
 */
export function tenantSalt(secret: string, tenant: string, clientSalt: string): string {
  const hmac = createHmac('sha256', secret);
  for (const field of [tenant, clientSalt]) {
    const bytes = Buffer.from(field);
    hmac.update(`${bytes.length}:`).update(bytes);
  }
  return hmac.digest('hex');
}
