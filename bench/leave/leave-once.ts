// leave-once.ts: one client that asks, waits until the endpoint has said its part, and leaves.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Endpoint } from './endpoint.ts';

/** A reset, or the end of what the client sends. */
export const LEAVINGS = ['RST', 'FIN'] as const;

export type Leaving = (typeof LEAVINGS)[number];

export interface Leave {
  readonly url: URL;
  readonly path: string;
  readonly leaving: Leaving;
  readonly endpoint: Endpoint;
}

/** For what the endpoint said to pass through the router. */
const RELAY_MS = 5;
const BODY = JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'hello' }] });

/** Milliseconds from the leaving to the end of the endpoint's connection. */
export async function leaveOnce({ url, path, leaving, endpoint }: Leave): Promise<number> {
  const asked = endpoint.nextRequest();
  const client = connect(Number(url.port), url.hostname);
  client.on('error', () => {}).resume();
  await once(client, 'connect');
  client.write(`POST ${path} HTTP/1.1\r\nhost: router\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`);
  const { closed } = await asked;
  await new Promise((resolve) => setTimeout(resolve, RELAY_MS));
  const leftMs = performance.now();
  leave(client, leaving);
  const closedMs = await closed;
  client.destroy();
  return closedMs - leftMs;
}

function leave(client: Socket, leaving: Leaving): void {
  if (leaving === 'RST') client.resetAndDestroy();
  else client.end();
}
