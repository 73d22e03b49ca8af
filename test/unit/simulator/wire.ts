// wire.ts: raw HTTP for tests that compare bytes: sends what a capture holds and takes an answer apart.

import { connect, type Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  /** In the order and case in which they came. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The chunks of the body; a body with a length is one chunk. */
  readonly chunks: readonly string[];
}

/** Sends the bytes of one request that asks for `connection: close` and resolves with all bytes of the answer. */
export function exchange(port: number, request: Buffer, onFirstData?: () => void): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const received: Buffer[] = [];
    const socket: Socket = connect(port, '127.0.0.1', () => socket.write(request));
    let waiting = onFirstData;
    socket.on('data', (data) => {
      received.push(data);
      if (waiting === undefined || !data.includes('data: ')) return;
      waiting();
      waiting = undefined;
    });
    socket.on('end', () => resolve(Buffer.concat(received)));
    socket.on('error', reject);
  });
}

export function takeApart(raw: Buffer): Answer {
  const headEnd = raw.indexOf('\r\n\r\n');
  const [statusLine, ...lines] = raw.subarray(0, headEnd).toString().split('\r\n');
  const headers = lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)] as const);
  const body = raw.subarray(headEnd + 4);
  const chunked = headers.some(([name]) => name === 'transfer-encoding');
  return { status: Number(statusLine!.split(' ')[1]), headers, chunks: chunked ? chunksOf(body) : [body.toString()] };
}

function chunksOf(body: Buffer): string[] {
  const chunks: string[] = [];
  for (let at = 0; at < body.length; ) {
    const lineEnd = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.subarray(at, lineEnd).toString(), 16);
    if (size === 0) break;
    chunks.push(body.subarray(lineEnd + 2, lineEnd + 2 + size).toString());
    at = lineEnd + 2 + size + 2;
  }
  return chunks;
}
