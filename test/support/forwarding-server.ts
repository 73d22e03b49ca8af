// forwarding-server.ts: the story of each request behind a plain server, which says whose it is: everything of a router but its listeners.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Test } from 'tap';
import { loadConfig } from '../../src/config/load.ts';
import type { RequestRecord } from '../../src/core/record.ts';
import { createParts, type Parts } from '../../src/parts.ts';
import { forward, type ForwardDeps } from '../../src/proxy/forward.ts';
import { eventually, fileOf, type TestRouterOptions } from './test-router.ts';
import type { SurfaceCase } from './surfaces.ts';

export interface ForwardingServer {
  readonly parts: Parts;
  /** All log lines so far. */
  log(): string;
  /** Sends a body as somebody of this tenant, and gives the answer and the record of the request. */
  send(tenant: string, surface: SurfaceCase, body: string): Promise<{ readonly status: number; readonly headers: Headers; readonly text: string; readonly record: RequestRecord }>;
}

/** Resolves when the endpoints are there. `changes`: what is done in another way than a router does it. */
export async function startForwardingServer(t: Test, keys: TestRouterOptions, changes: Partial<ForwardDeps> = {}): Promise<ForwardingServer> {
  const loaded = loadConfig({ path: 'w.yaml', env: {}, readFile: () => fileOf(keys) });
  if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.problems));
  let log = '';
  const parts = createParts({ config: loaded.config, version: '0', logDestination: { write: (line) => void (log += line) } });
  t.teardown(() => parts.closeConnections());
  await eventually(() => parts.pools.readiness().ready);
  const records: RequestRecord[] = [];
  const { observer } = parts.forward;
  const ended = (record: RequestRecord): void => {
    observer.ended(record);
    records.push(record);
  };
  const deps: ForwardDeps = { ...parts.forward, observer: { ...observer, ended }, ...changes };
  const server = createServer(async (request, response) => {
    const { 'x-test-tenant': tenant = '', 'x-test-surface': surface } = request.headers as Record<string, string>;
    void forward(deps, { surface: surface as 'chat', listener: 'prefix', forwardedBy: undefined, debugHeaders: false, identity: { client: tenant, tenant }, request, response, body: await buffer(request) });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  return {
    parts,
    log: () => log,
    async send(tenant, surface, body) {
      const count = records.length;
      const headers = { 'content-type': 'application/json', 'x-test-tenant': tenant, 'x-test-surface': surface.name };
      const answer = await fetch(`http://127.0.0.1:${port}${surface.path}`, { method: 'POST', headers, body });
      const text = await answer.text();
      await eventually(() => records.length > count);
      return { status: answer.status, headers: answer.headers, text, record: records.at(-1) as RequestRecord };
    },
  };
}
