// endpoint.ts: an endpoint that says as much as a phase wants, then nothing, and notes when its connection ends.

import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the endpoint has said when the client leaves. */
export type Phase = 'before any answer' | 'while the 200 is held' | 'in the middle of a stream';

export interface Endpoint {
  readonly url: string;
  phase: Phase;
  /** Resolves when the next request is here and has been told what the phase wants. */
  nextRequest(): Promise<Asked>;
  close(): Promise<void>;
}

export interface Asked {
  /** When its connection ended, by `performance.now()`. */
  readonly closed: Promise<number>;
}

const MODELS = '{"object":"list","data":[{"id":"m","object":"model","parent":null}]}';
const EVENT = 'data: {"choices":[{"delta":{"content":"x"}}]}\n\n';

export async function startEndpoint(): Promise<Endpoint> {
  let onAsked: (asked: Asked) => void = () => {};
  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'application/json' }).end(request.url === '/v1/models' ? MODELS : '');
      return;
    }
    const closed = new Promise<number>((resolve) => response.on('close', () => resolve(performance.now())));
    request.on('error', () => {});
    request.resume().on('end', () => {
      say(endpoint.phase, response);
      onAsked({ closed });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint: Endpoint = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    phase: 'before any answer',
    nextRequest: () => new Promise((resolve) => (onAsked = resolve)),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
  return endpoint;
}

function say(phase: Phase, response: ServerResponse): void {
  if (phase === 'before any answer') return;
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  if (phase === 'while the 200 is held') response.flushHeaders();
  else response.write(EVENT);
}
