// raw-client.ts: a client on a bare socket, which sees an answer as it was framed and knows whether it was whole.

import { connect, type Socket } from 'node:net';
import type { Test } from 'tap';
import { chunksFrom, headerOf, type ReadRequest } from './request-reader.ts';

export interface Answer {
  readonly status: number;
  /** In the order and case in which they came. */
  readonly headers: ReadRequest['headers'];
  readonly body: Buffer;
  /** The body had its length, or its last chunk. */
  readonly whole: boolean;
}

/** A request to be sent. The body's length, `host` and `connection: close` are added unless a header of that name is given. */
export interface Sent {
  readonly method?: string;
  readonly path: string;
  readonly headers?: readonly string[];
  readonly body?: string | Buffer;
}

export interface Connection {
  readonly socket: Socket;
  received(): Buffer;
  /** Resolves when what was received satisfies; rejects when the connection closes before. */
  until(satisfied: (received: Buffer) => boolean): Promise<void>;
  /** Resolves with all that came when the connection is gone, however it went. */
  readonly closed: Promise<Buffer>;
}

export async function openConnection(t: Test, url: string): Promise<Connection> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  t.teardown(() => socket.destroy());
  let chunks: Buffer[] = [];
  const watchers = new Set<() => void>();
  const received = (): Buffer => {
    const all = Buffer.concat(chunks);
    chunks = [all];
    return all;
  };
  socket.on('data', (data) => {
    chunks.push(data);
    for (const watcher of watchers) watcher();
  });
  socket.on('error', () => {});
  const closed = new Promise<Buffer>((resolve) => socket.on('close', () => resolve(received())));
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  const until = (satisfied: (bytes: Buffer) => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const watcher = (): void => {
        if (!satisfied(received())) return;
        watchers.delete(watcher);
        resolve();
      };
      watchers.add(watcher);
      void closed.then((all) => reject(new Error(`The connection closed after: ${all.toString('latin1').slice(-500)}`)));
      watcher();
    });
  return { socket, received, until, closed };
}

/** Sends one request and resolves with its answer when the connection is gone. */
export async function call(t: Test, url: string, sent: Sent): Promise<Answer> {
  const connection = await openConnection(t, url);
  connection.socket.write(requestBytes(sent));
  return readAnswer(await connection.closed);
}

export function requestBytes({ method = 'POST', path, headers = [], body = '' }: Sent): Buffer {
  const given = new Set(headers.map((line) => line.slice(0, line.indexOf(':')).toLowerCase()));
  const length = Buffer.byteLength(body);
  const added = ['host: localhost', 'connection: close', ...(method === 'GET' || given.has('transfer-encoding') ? [] : [`content-length: ${length}`])];
  const lines = [...added.filter((line) => !given.has(line.slice(0, line.indexOf(':')))), ...headers];
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body)]);
}

/** Takes apart all bytes of one answer; what comes before it, such as `100 Continue`, is passed over. */
export function readAnswer(bytes: Buffer): Answer {
  if (bytes.toString('latin1', 0, 10) === 'HTTP/1.1 1') return readAnswer(bytes.subarray(bytes.indexOf('\r\n\r\n') + 4));
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return { status: 0, headers: [], body: Buffer.alloc(0), whole: false };
  const [line = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const headers = lines.map((text) => [text.slice(0, text.indexOf(':')), text.slice(text.indexOf(':') + 1).trim()] as const);
  const status = Number(line.split(' ')[1]);
  const start = headEnd + 4;
  if (headerOf(headers, 'transfer-encoding') !== undefined) {
    const { parts, whole } = chunksFrom(bytes, start);
    return { status, headers, body: Buffer.concat(parts), whole };
  }
  const length = headerOf(headers, 'content-length');
  const body = bytes.subarray(start);
  return { status, headers, body, whole: length === undefined || body.length === Number(length) };
}

/** A header of an answer, by its name in lower case. */
export function header(answer: Pick<Answer, 'headers'>, name: string): string | undefined {
  return headerOf(answer.headers, name);
}
