// tenant-share.ts: the endpoints that one tenant's requests may go to, so that it can evict no more than its share of what all of them hold.

import type { Endpoint } from '../pool/endpoint.ts';
import { modelKey } from '../prefix/model-key.ts';

/**
 * The tenant's own of those that are up, in their order: always the same ones while they are up, and others for other tenants (rendezvous hashing).
 *
 * @param ratio how many of them, 0 to 1; at least one
 */
export function endpointsOfTenant(tenant: string, up: readonly Endpoint[], ratio: number): readonly Endpoint[] {
  const most = Math.max(1, Math.floor(up.length * ratio));
  if (most >= up.length) return up;
  // Any hash of a name does, so a model's.
  const ranked = up.map((endpoint) => ({ endpoint, rank: modelKey(`${tenant}\n${endpoint.address.id}`).low })).toSorted((a, b) => b.rank - a.rank);
  const own = new Set(ranked.slice(0, most).map(({ endpoint }) => endpoint));
  return up.filter((endpoint) => own.has(endpoint));
}
