// load.ts: bounded loads over bare sockets, cheap enough to share two cores with what they measure.

import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChatRequests } from './chat-requests.ts';

const OK = 'HTTP/1.1 200';
const TICK_MS = 4;
const CONNECTIONS = 16;
const OPENED_PER_TICK = 4;
const WAIT_MAX_MS = 20_000;
const OPEN_BRACKET = 0x5b;

/**
 * Sends `perSecond` requests for `forMs`, at most 16 at a time, and gives how many were answered. What finds no connection free is
 * not made up for later. Rejects when an answer is not a 200.
 */
export async function sendRequests(port: number, requests: ChatRequests, perSecond: number, forMs: number): Promise<number> {
  const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => connected(port)));
  const idle = [...connections];
  let answered = 0;
  const failures: string[] = [];
  const send = (socket: Socket): void => {
    let text = '';
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      if (!isWhole(text)) return;
      socket.off('data', onData);
      idle.push(socket);
      answered += 1;
      if (!text.startsWith(OK)) failures.push(text.slice(0, 300));
    };
    socket.on('data', onData);
    socket.write(requests.next(port));
  };
  const startMs = performance.now();
  let lastMs = startMs;
  let owed = 0;
  while (lastMs - startMs < forMs && failures.length === 0) {
    await sleep(TICK_MS);
    const nowMs = performance.now();
    owed = Math.min(CONNECTIONS, owed + ((nowMs - lastMs) / 1000) * perSecond);
    for (; owed >= 1 && idle.length > 0; owed -= 1) send(idle.shift()!);
    lastMs = nowMs;
  }
  await until(() => idle.length === CONNECTIONS || failures.length > 0, 'each request is answered');
  for (const socket of connections) socket.destroy();
  if (failures.length > 0) throw new Error(`Not answered with 200: ${failures[0]}`);
  return answered;
}

/** An answer with a length, or the end of a chunked one. */
function isWhole(text: string): boolean {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, headEnd + 2))?.[1];
  return length === undefined ? text.endsWith('\r\n0\r\n\r\n') : text.length >= headEnd + 4 + Number(length);
}

/** Streams that are open at the same time. */
export class Streams {
  /** Chunks that came, over all streams: each holds one bracket, wherever it is cut. */
  chunks = 0;
  #begun = 0;
  #ended = 0;
  readonly #sockets: Socket[] = [];

  /** Resolves when each has had its first chunk. */
  async open(port: number, requests: ChatRequests, count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) {
      if (i % OPENED_PER_TICK === 0) await sleep(TICK_MS);
      this.#open(await connected(port), requests.next(port));
    }
    await until(() => this.#begun === count, 'each stream begins');
  }

  /** Resolves when each has ended as a stream should. */
  async end(): Promise<void> {
    await until(() => this.#ended === this.#sockets.length, 'each stream ends');
    for (const socket of this.#sockets) socket.destroy();
  }

  #open(socket: Socket, request: Buffer): void {
    this.#sockets.push(socket);
    let chunks = 0;
    socket.on('data', (bytes: Buffer) => {
      for (let at = bytes.indexOf(OPEN_BRACKET); at >= 0; at = bytes.indexOf(OPEN_BRACKET, at + 1)) {
        if (chunks++ === 0) this.#begun += 1;
        this.chunks += 1;
      }
      if (bytes.includes('0\r\n\r\n', -5)) this.#ended += 1;
    });
    socket.write(request);
  }
}

function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true }, () => resolve(socket));
    socket.on('error', reject);
  });
}

/** Rejects when it takes longer than 20 s. */
async function until(condition: () => boolean, what: string): Promise<void> {
  const startMs = performance.now();
  while (!condition()) {
    if (performance.now() - startMs > WAIT_MAX_MS) throw new Error(`Waited ${WAIT_MAX_MS} ms until ${what}`);
    await sleep(TICK_MS);
  }
}
