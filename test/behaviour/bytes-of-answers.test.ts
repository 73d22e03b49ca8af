// What reaches the client is what the endpoint sent, byte for byte.

import { gzipSync } from 'node:zlib';
import { test, type Test } from 'tap';
import { seededRandom } from '../../src/core/random.ts';
import { call, header, type Answer } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, sized, startRawUpstream, STREAM_HEAD, type RawRequest } from '../support/raw-upstream.ts';
import { CHAT, streamOf, SURFACES, type SurfaceCase } from '../support/surfaces.ts';
import { startTestRouter } from '../support/test-router.ts';

const MIB = 1024 * 1024;

type Write = (request: RawRequest) => void | Promise<void>;

/** One answer for each request, in order. */
async function answering(t: Test, ...answers: readonly Write[]): Promise<(sent: { path: string; body: string }) => Promise<Answer>> {
  let at = 0;
  const upstream = await startRawUpstream(t, (request) => void answers[at++]?.(request));
  const { url } = await startTestRouter(t, { endpoints: [upstream.url] });
  return ({ path, body }) => call(t, url, { path, body, headers: ['content-type: application/json'] });
}

/** Writes in pieces whose ends fall anywhere, also inside characters, each in a chunk of its own when `framed`. */
async function inPieces({ socket }: RawRequest, bytes: Buffer, seed: number, framed: boolean): Promise<void> {
  const random = seededRandom(seed);
  const pieceMax = Math.max(5, Math.ceil(bytes.length / 60));
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + 1 + Math.floor(random() * pieceMax));
    const piece = bytes.subarray(at, end);
    if (!socket.write(framed ? chunk(piece) : piece)) await new Promise((resolve) => socket.once('drain', resolve));
    await new Promise((resolve) => setImmediate(resolve));
    at = end;
  }
}

const texts = (bytes: number): string[] => ['é', '漢字', '🦆', 'x'.repeat(bytes), '\u2028'];

function streamed(surface: SurfaceCase, bytes: number, seed: number): { whole: Buffer; write: Write } {
  const whole = Buffer.from(`: a comment\n\n${streamOf(surface, texts(bytes)).replace('\n\n', '\r\n\r\n')}`);
  const write: Write = async (request) => {
    request.socket.write(STREAM_HEAD);
    await inPieces(request, whole, seed, true);
    request.socket.write(LAST_CHUNK);
  };
  return { whole, write };
}

for (const surface of SURFACES) {
  test(`a stream of ${surface.name} arrives as it was sent, however it is cut`, async (t) => {
    const streams = [1, 2, 3].map((seed) => streamed(surface, seed === 3 ? 8 * MIB : 10, seed));
    const send = await answering(t, ...streams.map(({ write }) => write));
    for (const { whole } of streams) {
      const answer = await send({ path: surface.path, body: surface.body('hello', true) });
      t.match(answer, { status: 200, whole: true });
      t.equal(header(answer, 'content-type'), 'text/event-stream; charset=utf-8');
      t.ok(answer.body.equals(whole), `${whole.length} bytes`);
    }
  });

  test(`an answer of ${surface.name} that is no stream arrives as it was sent, sized, in chunks or until the connection closes`, async (t) => {
    const bodies = [Buffer.from([0x37]), Buffer.from('{"text":"漢字🦆"}'), Buffer.alloc(8 * MIB, '漢字🦆 {"usage":')];
    const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';
    const framings = (body: Buffer): Write[] => [
      async (request) => {
        request.socket.write(`${head}content-length: ${body.length}\r\n\r\n`);
        await inPieces(request, body, 4, false);
      },
      async (request) => {
        request.socket.write(`${head}transfer-encoding: chunked\r\n\r\n`);
        await inPieces(request, body, 5, true);
        request.socket.write(LAST_CHUNK);
      },
      async (request) => {
        // Of JSON that ends so, the last byte has to say that it is whole: odd-answer-heads.
        request.socket.write(`${head.replace('application/json', 'text/plain')}connection: close\r\n\r\n`);
        await inPieces(request, body, 6, false);
        request.socket.end();
      },
    ];
    const send = await answering(t, ...bodies.flatMap(framings));
    for (const body of bodies) {
      for (const framing of ['sized', 'in chunks', 'until the close']) {
        const answer = await send({ path: surface.path, body: surface.body('hello', false) });
        t.match(answer, { status: 200, whole: true });
        t.ok(answer.body.equals(body), `${body.length} bytes, ${framing}`);
        t.equal(header(answer, 'content-length'), framing === 'sized' ? String(body.length) : undefined);
      }
    }
  });
}

test('an answer that is compressed is neither read nor changed', async (t) => {
  const stream = gzipSync(streamOf(CHAT, ['hello']));
  const plain = gzipSync('{"id":"c"}');
  const encoded = (type: string, bytes: Buffer): Write => ({ socket }) => void socket.write(sized(200, bytes, [`content-type: ${type}`, 'content-encoding: gzip']));
  const send = await answering(t, encoded('text/event-stream', stream), encoded('application/json', plain), encoded('application/json', plain));
  for (const [path, wanted] of [[CHAT.path, stream], [CHAT.path, plain], ['/tokenize', plain]] as const) {
    const answer = await send({ path, body: CHAT.body('hello', true) });
    t.equal(header(answer, 'content-encoding'), 'gzip');
    t.ok(answer.body.equals(wanted), path);
  }
});

test("an endpoint's refusal arrives with its own status, reason and body", async (t) => {
  const body = '{"error":{"message":"too long","code":400}}';
  const send = await answering(t, ...[400, 404, 418, 422, 500, 503].flatMap((status): Write[] => [({ socket }) => void socket.write(sized(status, body)), ({ socket }) => void socket.write(sized(status, body))]));
  for (const status of [400, 404, 418, 422, 500, 503]) {
    for (const path of [CHAT.path, '/tokenize']) {
      const answer = await send({ path, body: CHAT.body('hello', true) });
      t.match(answer, { status, whole: true, body: Buffer.from(body) });
    }
  }
});

test('a surface routed by load relays answers of any bytes and framing', async (t) => {
  const body = Buffer.alloc(8 * MIB, '\u00ff\u0000漢');
  const send = await answering(
    t,
    async (request) => {
      request.socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
      await inPieces(request, body, 7, true);
      request.socket.write(LAST_CHUNK);
    },
    async (request) => {
      request.socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`);
      await inPieces(request, body, 8, false);
    },
    ({ socket }) => void socket.write('HTTP/1.1 204 No Content\r\n\r\n'),
  );
  for (const wanted of [body, body, Buffer.alloc(0)]) {
    const answer = await send({ path: '/v1/embeddings', body: '{}' });
    t.equal(answer.whole, true);
    t.ok(answer.body.equals(wanted), `${wanted.length} bytes`);
  }
});
