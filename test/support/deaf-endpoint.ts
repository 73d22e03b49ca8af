// deaf-endpoint.ts: an endpoint that stops taking connections: whoever connects to it waits, as for a machine whose packets are lost.

import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { Test } from 'tap';

export interface DeafEndpoint {
  readonly url: string;
  /** Resolves when connecting hangs. */
  deafen(): Promise<void>;
  /** Takes connections again, those first that waited. */
  listenAgain(): void;
  /** What was asked for, without probes. */
  asked(): Promise<readonly string[]>;
}

const BACKLOG = 1;
/** Connections that fill the queue of a listener that accepts none; the kernel takes one or two more than the backlog. */
const FILLERS = 6;

export async function startDeafEndpoint(t: Test): Promise<DeafEndpoint> {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL(import.meta.url), { workerData: gate });
  const [port] = (await once(worker, 'message')) as [number];
  const fillers: Socket[] = [];
  const listenAgain = (): void => {
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
    for (const filler of fillers) filler.destroy();
  };
  t.teardown(async () => {
    listenAgain();
    await worker.terminate();
  });
  return {
    url: `http://127.0.0.1:${port}`,
    async deafen() {
      worker.postMessage('deafen', []);
      await once(worker, 'message');
      const first = connect(port, '127.0.0.1');
      await once(first, 'connect');
      fillers.push(first);
      for (let i = 1; i < FILLERS; i += 1) fillers.push(connect(port, '127.0.0.1').on('error', () => {}));
      await new Promise((resolve) => setImmediate(resolve));
    },
    listenAgain,
    async asked() {
      worker.postMessage('asked', []);
      const [asked] = (await once(worker, 'message')) as [string[]];
      return asked;
    },
  };
}

function listen(gate: Int32Array): void {
  const asked: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      const path = data.toString('latin1').split(' ')[1] ?? '';
      if (!['/health', '/metrics', '/v1/models'].includes(path)) asked.push(path);
      const body = path === '/v1/models' ? '{"data":[{"id":"m","parent":null}]}' : '{}';
      socket.write(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    });
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: BACKLOG }, () => parentPort?.postMessage((server.address() as AddressInfo).port, []));
  parentPort?.on('message', (message: string) => {
    parentPort?.postMessage(message === 'asked' ? asked : message, []);
    // The whole thread sleeps, so nothing is accepted; the kernel's queue of one fills.
    if (message === 'deafen') Atomics.wait(gate, 0, 0);
  });
}

if (!isMainThread && workerData instanceof Int32Array) listen(workerData);
