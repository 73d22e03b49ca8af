// endpoint.ts: an endpoint that reads everything, understands nothing and answers at once: what is measured is the router.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SinkEndpoint {
  readonly url: string;
  close(): void;
}

const MODELS = JSON.stringify({ object: 'list', data: [{ id: 'm', object: 'model', parent: null }] });
const ANSWER = JSON.stringify({ id: 'c', choices: [{ index: 0, message: { role: 'assistant', content: 'yes' }, finish_reason: 'stop' }] });

export async function startSinkEndpoint(): Promise<SinkEndpoint> {
  const server = createServer((request, response) => {
    const body = request.url === '/v1/models' ? MODELS : request.method === 'POST' ? ANSWER : '';
    request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
