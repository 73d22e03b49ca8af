// What reaches the endpoint is what the client sent, byte for byte.

import { test } from 'tap';
import { seededRandom } from '../../src/core/random.ts';
import { openConnection, readAnswer, requestBytes, call } from '../support/raw-client.ts';
import { sized, startRawUpstream } from '../support/raw-upstream.ts';
import { headerOf } from '../support/request-reader.ts';
import { SURFACES } from '../support/surfaces.ts';
import { startTestRouter } from '../support/test-router.ts';

const MIB = 1024 * 1024;
const BY_LOAD = ['/v1/embeddings', '/v1/rerank', '/v2/rerank', '/rerank', '/v1/score', '/score', '/tokenize', '/v1/messages/count_tokens', '/v1/audio/transcriptions', '/v1/audio/translations'];

/** Sends in pieces of odd sizes, so that characters and headers are cut anywhere. */
async function writeInPieces(write: (piece: Buffer) => boolean, drained: () => Promise<unknown>, bytes: Buffer, seed: number): Promise<void> {
  const random = seededRandom(seed);
  const pieceMax = Math.max(7, Math.ceil(bytes.length / 40));
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + Math.floor(random() * pieceMax);
    if (!write(bytes.subarray(at, end))) await drained();
    await new Promise((resolve) => setImmediate(resolve));
    at = end;
  }
}

test('every generating surface passes bodies on unchanged, however they are cut, spelt and sized', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => socket.write(sized(200, '{}')));
  const { url } = await startTestRouter(t, { endpoints: [upstream.url] });
  let at = 0;
  for (const surface of SURFACES) {
    const plain = surface.body('Größe: 漢字 🦆 \u0000', false);
    const bodies = [
      plain,
      ` \n${plain.replaceAll('":', '" :\t').replaceAll(',"', ',\r\n"')}\n`,
      plain.replace('{', '{"unknown_field": 1e400, "x":{"__proto__":[1,2.50,-0]}, "stream": false,'),
      surface.body('漢字🦆'.repeat(20_000), true),
      surface.body('é'.repeat(4 * MIB - 100), false),
    ];
    for (const [i, body] of bodies.entries()) {
      const bytes = requestBytes({ path: surface.path, headers: ['content-type: application/json'], body });
      const connection = await openConnection(t, url);
      const drained = (): Promise<unknown> => new Promise((resolve) => connection.socket.once('drain', resolve));
      await writeInPieces((piece) => connection.socket.write(piece), drained, bytes, i + 1);
      t.equal(readAnswer(await connection.closed).status, 200);
      const got = await upstream.request(at++);
      t.equal(got.path, surface.path);
      t.equal(headerOf(got.headers, 'content-length'), String(Buffer.byteLength(body)));
      t.ok(got.body.equals(Buffer.from(body)), `${surface.name} ${i}: ${Buffer.byteLength(body)} bytes`);
    }
  }
});

test('the smallest body that can be routed goes on as it is', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => socket.write(sized(200, '{}')));
  const { url } = await startTestRouter(t, { endpoints: [upstream.url] });
  t.equal((await call(t, url, { path: '/v1/completions', body: '{}' })).status, 200);
  t.equal((await upstream.request(0)).body.toString(), '{}');
});

test('surfaces routed by load pass any bytes on, sized or in chunks', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => socket.write(sized(200, '{}')));
  const { url } = await startTestRouter(t, { endpoints: [upstream.url] });
  const random = seededRandom(3);
  const noise = Uint8Array.from({ length: 4099 }, () => Math.floor(random() * 256));
  const binary = (bytes: number): Buffer => Buffer.alloc(bytes, noise);
  let at = 0;
  for (const path of BY_LOAD) {
    for (const [i, body] of [binary(1), binary(70_001), ...(path === '/tokenize' ? [binary(8 * MIB)] : [])].entries()) {
      const type = 'content-type: multipart/form-data; boundary=x';
      const answer = await call(t, url, { path, headers: [type], body });
      t.equal(answer.status, 200);
      t.ok((await upstream.request(at++)).body.equals(body), `${path} ${i} sized`);
      const chunked = Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]);
      t.equal((await call(t, url, { path, headers: [type, 'transfer-encoding: chunked'], body: chunked })).status, 200);
      t.ok((await upstream.request(at++)).body.equals(body), `${path} ${i} in chunks`);
    }
  }
});

test('a query string goes on as it was written', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => socket.write(sized(200, '{}')));
  const { url } = await startTestRouter(t, { endpoints: [upstream.url] });
  const query = '?a=1&a=2&b=%2Fx%20y&empty=&c=+;d';
  for (const [i, path] of ['/v1/chat/completions', '/tokenize'].entries()) {
    await call(t, url, { path: path + query, headers: ['content-type: application/json'], body: '{"messages":[]}' });
    t.equal((await upstream.request(i)).path, path + query);
  }
});
