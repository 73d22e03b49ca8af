// What HTTP allows and few do (case 24), with the bytes that an endpoint would give without the router.

import { gzipSync } from 'node:zlib';
import { test, type Test } from 'tap';
import { call, header, openConnection, readAnswer, requestBytes } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, sized, startRawUpstream, STREAM_HEAD, type RawRequest, type RawUpstream } from '../support/raw-upstream.ts';
import { CHAT, streamOf } from '../support/surfaces.ts';
import { startTestRouter, type TestRouter } from '../support/test-router.ts';

const BODY = CHAT.body('hello', false);
const PATHS = [CHAT.path, '/tokenize'];

async function start(t: Test, onRequest: (request: RawRequest) => void): Promise<TestRouter & { upstream: RawUpstream }> {
  const upstream = await startRawUpstream(t, onRequest);
  return { ...(await startTestRouter(t, { endpoints: [upstream.url] })), upstream };
}

for (const path of PATHS) {
  test(`${path}: a client that waits for 100 Continue gets it once, and then its answer`, async (t) => {
    const { url, upstream } = await start(t, ({ socket }) => socket.write(sized(200, '{"a":1}')));
    const client = await openConnection(t, url);
    const whole = requestBytes({ path, headers: ['expect: 100-continue'], body: BODY });
    const headEnd = whole.indexOf('\r\n\r\n') + 4;
    client.socket.write(whole.subarray(0, headEnd));
    await client.until((received) => received.toString() === 'HTTP/1.1 100 Continue\r\n\r\n');
    client.socket.write(whole.subarray(headEnd));
    const received = await client.closed;
    t.equal(received.toString().split('100 Continue').length, 2);
    t.equal(readAnswer(received).body.toString(), '{"a":1}');
    t.equal(String((await upstream.request(0)).body), BODY);
  });

  test(`${path}: whose body is too large, or whose path is wrong, is told so before it sends it`, async (t) => {
    const { url, upstream } = await start(t, () => {});
    const headers = ['expect: 100-continue', 'connection: keep-alive'];
    for (const [wrong, length, status] of [[path, 99_999_999, 413], [`${path}/`, 5, 404]] as const) {
      const client = await openConnection(t, url);
      client.socket.write(requestBytes({ path: wrong, headers: [...headers, `content-length: ${length}`] }));
      const received = await client.closed;
      t.match(received.toString(), new RegExp(`^HTTP/1.1 ${status} `), 'no 100 before it, and the connection ends');
    }
    t.same(upstream.requests, []);
  });

  test(`${path}: a client of HTTP/1.0 gets an answer without chunks, and the end of the connection`, async (t) => {
    const { url } = await start(t, ({ socket }) => socket.write(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${chunk('{"a"').toString()}${chunk(':1}').toString()}${LAST_CHUNK}`));
    const client = await openConnection(t, url);
    client.socket.write(`POST ${path} HTTP/1.0\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`);
    const answer = readAnswer(await client.closed);
    t.match([answer.status, header(answer, 'transfer-encoding'), answer.body.toString()], [200, undefined, '{"a":1}']);
  });

  test(`${path}: 204 and 304 have no body, and the connection goes on`, async (t) => {
    const { url } = await start(t, ({ socket, body }) => socket.write(String(body).includes('204') ? 'HTTP/1.1 204 No Content\r\nx-a: 1\r\n\r\n' : 'HTTP/1.1 304 Not Modified\r\netag: "1"\r\n\r\n'));
    const client = await openConnection(t, url);
    client.socket.write(requestBytes({ path, headers: ['connection: keep-alive'], body: CHAT.body('204', false) }));
    await client.until((received) => received.includes('\r\n\r\n'));
    client.socket.write(requestBytes({ path, body: CHAT.body('304', false) }));
    const received = (await client.closed).toString();
    t.match(received, /^HTTP\/1\.1 204 No Content\r\n[^]*x-a: 1\r\n[^]*\r\n\r\nHTTP\/1\.1 304 Not Modified\r\n/);
    t.notMatch(received, /204 No Content[^]*transfer-encoding/i);
    t.ok(received.endsWith('\r\n\r\n'), 'nothing after the head');
  });

  test(`${path}: trailers of an answer are left out, and its body is what it was`, async (t) => {
    const { url } = await start(t, ({ socket }) => socket.write(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n${chunk('{"a":1}').toString()}0\r\nx-sum: 9\r\n\r\n`));
    const answer = await call(t, url, { path, body: BODY });
    t.match([answer.status, answer.whole, answer.body.toString(), header(answer, 'trailer')], [200, true, '{"a":1}', undefined]);
  });

  test(`${path}: a compressed answer passes byte for byte`, async (t) => {
    const bytes = gzipSync('{"a":1}');
    const { url } = await start(t, ({ socket }) => socket.write(sized(200, bytes, ['content-type: application/json', 'content-encoding: gzip'])));
    const answer = await call(t, url, { path, headers: ['accept-encoding: gzip'], body: BODY });
    t.equal(header(answer, 'content-encoding'), 'gzip');
    t.same(answer.body, bytes);
  });

  test(`${path}: answers of 1xx before the answer are passed over`, async (t) => {
    const { url } = await start(t, ({ socket }) => socket.write(Buffer.concat([Buffer.from('HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'), sized(200, '{"a":1}')])));
    const answer = await call(t, url, { path, body: BODY });
    t.match([answer.status, answer.body.toString(), header(answer, 'link')], [200, '{"a":1}', undefined]);
  });

  test(`${path}: requests sent without waiting are answered in their order, each with its own`, async (t) => {
    const held: RawRequest[] = [];
    const { url, upstream } = await start(t, (request) => {
      held.push(request);
      // The last one is answered first.
      if (held.length === 3) for (const { socket, body } of held.toReversed()) socket.write(sized(200, body));
    });
    const client = await openConnection(t, url);
    const bodies = ['one', 'two', 'three'].map((text) => CHAT.body(text, false));
    client.socket.write(Buffer.concat(bodies.map((body, at) => requestBytes({ path, headers: at < 2 ? ['connection: keep-alive'] : [], body }))));
    const received = (await client.closed).toString();
    t.same(received.match(/\{"model"[^\r]*?\}(?=HTTP|$)/g), bodies);
    t.equal(new Set(upstream.requests.map(({ socket }) => socket)).size, 3, 'at the endpoint no request waits behind another');
  });
}

test('whatever type a prompt says it has, it goes to the endpoint as it came', async (t) => {
  const { url, upstream } = await start(t, ({ socket }) => socket.write(sized(200, '{"a":1}')));
  for (const [at, type] of ['', 'json', ';;', 'text/plain'].entries()) {
    const answer = await call(t, url, { path: CHAT.path, headers: [`content-type: ${type}`], body: BODY });
    t.equal(answer.status, 200, type);
    const sent = await upstream.request(at);
    t.match([header(sent, 'content-type'), String(sent.body)], [type, BODY]);
  }
});

test('HEAD is GET without the body, where the router answers by itself', async (t) => {
  const { url } = await start(t, () => {});
  const client = await openConnection(t, url);
  client.socket.write('HEAD /v1/models HTTP/1.1\r\nHost: a\r\n\r\nHEAD /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  const received = (await client.closed).toString();
  t.match(received, /^HTTP\/1\.1 200 OK\r\n[^]*content-length: [1-9]\d*\r\n[^]*\r\n\r\nHTTP\/1\.1 200 OK\r\n/i);
  t.ok(received.endsWith('\r\n\r\n'));
  const refused = await call(t, url, { method: 'HEAD', path: CHAT.path, headers: ['content-length: 0'] });
  t.match([refused.status, header(refused, 'allow'), refused.body.length], [405, 'POST', 0]);
});

test('a stream passes as it is to clients of both versions', async (t) => {
  const stream = streamOf(CHAT, ['a', 'b', 'c']);
  const { url } = await start(t, ({ socket }) => socket.write(`${STREAM_HEAD}${chunk(stream).toString()}${LAST_CHUNK}`));
  t.equal((await call(t, url, { path: CHAT.path, body: CHAT.body('hi', true) })).body.toString(), stream);
  const old = await openConnection(t, url);
  const body = CHAT.body('hi', true);
  old.socket.write(`POST ${CHAT.path} HTTP/1.0\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  t.equal(readAnswer(await old.closed).body.toString(), stream);
});

test('what is no HTTP behind a whole request does not disturb its answer, and ends the connection after it', async (t) => {
  const requests: RawRequest[] = [];
  const { url, upstream } = await start(t, (request) => requests.push(request));
  const client = await openConnection(t, url);
  client.socket.write(Buffer.concat([requestBytes({ path: CHAT.path, headers: ['connection: keep-alive'], body: BODY }), Buffer.from('garbage\r\n\r\n')]));
  (await upstream.request(0)).socket.write(sized(200, '{"a":1}'));
  const received = await client.closed;
  const answer = readAnswer(received);
  t.match([answer.status, answer.body.toString(), header(answer, 'connection')], [200, '{"a":1}', 'close']);
});
