// client-limits.ts: how many requests of one client, and of one tenant, are in flight. Counted from when a client is known until its answer is over.

import type { ServerResponse } from 'node:http';
import type { Identity } from '../core/identity.ts';

export interface InFlightLimits {
  /** By name of the client; others have none. */
  readonly clients: ReadonlyMap<string, number>;
  /** Of each tenant. */
  readonly tenant: number;
}

/** Which limit is reached, if one is. */
export type Full = { readonly of: 'client' | 'tenant'; readonly max: number };

export class ClientLimits {
  #limits: InFlightLimits;
  readonly #clients = new Map<string, number>();
  readonly #tenants = new Map<string, number>();

  constructor(limits: InFlightLimits) {
    this.#limits = limits;
  }

  /** Counts go on: who has more than it may now gets nothing new until it has less. */
  reconfigure(limits: InFlightLimits): void {
    this.#limits = limits;
  }

  /** Counts a request until its answer is over or its client gone; or says why it may not be. */
  take({ client, tenant }: Identity, response: ServerResponse): Full | undefined {
    const clientMax = this.#limits.clients.get(client);
    if (clientMax !== undefined && (this.#clients.get(client) ?? 0) >= clientMax) return { of: 'client', max: clientMax };
    if ((this.#tenants.get(tenant) ?? 0) >= this.#limits.tenant) return { of: 'tenant', max: this.#limits.tenant };
    add(this.#clients, client, 1);
    add(this.#tenants, tenant, 1);
    // It comes exactly once, for answers too whose turn on a broken connection had not come.
    response.once('close', () => {
      add(this.#clients, client, -1);
      add(this.#tenants, tenant, -1);
    });
    return undefined;
  }
}

/** What is at 0 is forgotten. */
function add(counts: Map<string, number>, name: string, change: number): void {
  const count = (counts.get(name) ?? 0) + change;
  if (count === 0) counts.delete(name);
  else counts.set(name, count);
}
