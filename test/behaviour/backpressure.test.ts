// A client that does not read holds the endpoint back: nothing piles up in the router.

import type { Socket } from 'node:net';
import { test } from 'tap';
import { openConnection, requestBytes } from '../support/raw-client.ts';
import { chunk, startRawUpstream, STREAM_HEAD, type RawRequest } from '../support/raw-upstream.ts';
import { CHAT } from '../support/surfaces.ts';
import { startTestRouter } from '../support/test-router.ts';

const MIB = 1024 * 1024;
const ANSWER_BYTES = 50 * MIB;
/** Buffers of four sockets in the kernel, and one of the router's on each side. */
const TAKEN_BYTES_MAX = 16 * MIB;
const MEMORY_BYTES_MAX = 20 * MIB;

const event = chunk(CHAT.delta('x'.repeat(60_000)));
const plain = chunk(Buffer.alloc(60_000, 'x'));

/** Writes as fast as the router takes it; `stuck` resolves when it has taken nothing for a while. */
function pour(socket: Socket, piece: Buffer): { stuck: Promise<void>; taken: () => number } {
  const taken = (): number => socket.bytesWritten - socket.writableLength;
  const stuck = new Promise<void>((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const more = (): void => {
      while (socket.bytesWritten < ANSWER_BYTES) {
        if (socket.write(piece)) continue;
        timer = setTimeout(resolve, 500);
        socket.once('drain', () => {
          clearTimeout(timer);
          more();
        });
        return;
      }
      resolve();
    };
    more();
  });
  return { stuck, taken };
}

for (const [what, path, head, piece] of [
  ['a stream', CHAT.path, STREAM_HEAD, event],
  ['an answer that is no stream', CHAT.path, STREAM_HEAD.replace('text/event-stream', 'application/json'), plain],
  ['a surface routed by load', '/v1/embeddings', STREAM_HEAD.replace('text/event-stream', 'application/json'), plain],
] as const) {
  test(`${what}: the endpoint is paused while the client does not read, and goes on when it does`, async (t) => {
    let began: (request: RawRequest) => void = () => {};
    const request = new Promise<RawRequest>((resolve) => (began = resolve));
    const upstream = await startRawUpstream(t, (given) => began(given));
    const { url } = await startTestRouter(t, { endpoints: [upstream.url] });
    const client = await openConnection(t, url);
    client.socket.pause();
    client.socket.write(requestBytes({ path, body: CHAT.body('hello', true) }));
    const { socket } = await request;
    const memoryBefore = process.memoryUsage();
    socket.write(head);
    const { stuck, taken } = pour(socket, piece);
    await stuck;
    t.ok(taken() < TAKEN_BYTES_MAX, `${taken()} of ${ANSWER_BYTES} bytes were taken`);
    const memory = process.memoryUsage();
    const grown = memory.heapUsed + memory.external - memoryBefore.heapUsed - memoryBefore.external;
    t.ok(grown < MEMORY_BYTES_MAX, `${grown} bytes more in memory`);

    let read = 0;
    client.socket.removeAllListeners('data').on('data', (data) => (read += data.length)).resume();
    await new Promise<void>((resolve) => {
      const look = setInterval(() => {
        if (read < ANSWER_BYTES) return;
        clearInterval(look);
        resolve();
      }, 10);
    });
    t.pass('all of it came in the end');
  });
}
