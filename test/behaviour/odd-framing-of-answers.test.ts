// Answers that could be read in two ways, or that nobody asked for: the connection to the endpoint ends, and no client gets what another one's answer brought.

import { test } from 'tap';
import { call, openConnection, requestBytes, type Answer } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, sized, startRawUpstream, type RawRequest } from '../support/raw-upstream.ts';
import { CHAT } from '../support/surfaces.ts';
import { startTestRouter } from '../support/test-router.ts';

const POISON = sized(200, '{"poison":1}').toString('latin1');
const JSON_TYPE = 'content-type: application/json\r\n';
const OK = `HTTP/1.1 200 OK\r\n${JSON_TYPE}`;
const CHUNKED = 'transfer-encoding: chunked\r\n';

/** What an endpoint writes for one request. */
const ODD: Readonly<Record<string, string>> = {
  'length and chunks': `${OK}content-length: 7\r\n${CHUNKED}\r\n${chunk('{"a":1}').toString()}${LAST_CHUNK}${POISON}`,
  'chunks and length': `${OK}${CHUNKED}content-length: 7\r\n\r\n0\r\n\r\n${POISON}`,
  'two lengths': `${OK}content-length: 7\r\ncontent-length: 0\r\n\r\n{"a":1}${POISON}`,
  'a length that is no number': `${OK}content-length: 7x\r\n\r\n{"a":1}${POISON}`,
  'a negative length': `${OK}content-length: -1\r\n\r\n{"a":1}${POISON}`,
  'a chunk without a size': `${OK}${CHUNKED}\r\nzz\r\n{"a":1}\r\n${LAST_CHUNK}${POISON}`,
  'a chunk that is longer than it says': `${OK}${CHUNKED}\r\n1\r\n{"a":1}\r\n${LAST_CHUNK}${POISON}`,
  'a NUL in a header': `${OK}x: a\0b\r\ncontent-length: 7\r\n\r\n{"a":1}${POISON}`,
  'a folded header': `${OK}x: a\r\n b\r\ncontent-length: 7\r\n\r\n{"a":1}${POISON}`,
  'a blank before the colon': `${OK}content-length : 7\r\n\r\n{"a":1}${POISON}`,
  'LF for CR LF': `${OK}content-length: 7\r\n\r\n`.replaceAll('\r\n', '\n') + `{"a":1}${POISON}`,
  'no status': `HTTP/1.1\r\ncontent-length: 0\r\n\r\n${POISON}`,
  'no HTTP': `hello\r\n\r\n${POISON}`,
  'a header of 64 KiB': `${OK}x: ${'y'.repeat(65_536)}\r\ncontent-length: 7\r\n\r\n{"a":1}${POISON}`,
  '100 that nobody waits for': `HTTP/1.1 100 Continue\r\n\r\n${OK}content-length: 7\r\n\r\n{"a":1}${POISON}`,
  'another protocol': `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n${POISON}`,
  'a second answer behind the first': `${OK}content-length: 7\r\n\r\n{"a":1}${POISON}`,
  'a second answer behind the last chunk': `${OK}${CHUNKED}\r\n${chunk('{"a":1}').toString()}${LAST_CHUNK}${POISON}`,
  'a body with a 204': `HTTP/1.1 204 No Content\r\n\r\n{"a":1}${POISON}`,
};

for (const path of [CHAT.path, '/tokenize']) {
  for (const [name, bytes] of Object.entries(ODD)) {
    test(`${path}: ${name}`, async (t) => {
      const odd: RawRequest[] = [];
      const upstream = await startRawUpstream(t, (request) => {
        if (odd.length > 0) request.socket.write(sized(200, '{"next":1}'));
        else {
          odd.push(request);
          request.socket.write(bytes, 'latin1');
        }
      });
      // One attempt, and no ejection, so that the next request comes to the same endpoint.
      const pool = { endpoints: [upstream.url], ejection: { errors_in_row: 0, error_ratio: 0 } };
      const router = await startTestRouter(t, { pools: [pool], retry: { attempts_max: 1 } });
      const ask = (): Promise<Answer> => call(t, router.url, { path, body: CHAT.body('hello', false) });
      const first = await ask();
      t.ok([200, 204, 502].includes(first.status) && !first.body.includes('poison'), `${first.status} ${first.body}`);
      await odd[0]?.closed;
      const next = await ask();
      t.match([next.status, next.body.toString()], [200, '{"next":1}']);
      t.not(upstream.requests[1]?.socket, odd[0]?.socket);
      t.same((await router.endpoints()).map(({ in_flight }) => in_flight), [0]);
    });
  }
}

for (const [method, path] of [['POST', CHAT.path], ['POST', '/tokenize'], ['GET', '/v1/responses/resp_1']] as const) {
  test(`${method} ${path}: a request that comes while another one's answer does has a connection of its own, so that none can get the other's`, async (t) => {
    const upstream = await startRawUpstream(t, ({ socket }) => void socket.write(`HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 100000\r\n\r\n${'x'.repeat(99_999)}`));
    const { url } = await startTestRouter(t, { endpoints: [upstream.url] });
    for (let i = 0; i < 3; i += 1) {
      const client = await openConnection(t, url);
      client.socket.write(requestBytes({ method, path, ...(method === 'POST' ? { body: CHAT.body('hello', false) } : {}) }));
      await client.until((received) => received.includes('\r\n\r\nx'));
    }
    t.equal(new Set(upstream.requests.map(({ socket }) => socket)).size, 3);
  });
}
