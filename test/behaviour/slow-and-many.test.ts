// Clients that send slowly, nothing, or too much together; and too many of them.

import { test } from 'tap';
import { header, openConnection, readAnswer, requestBytes, call, type Connection } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, sized, startRawUpstream } from '../support/raw-upstream.ts';
import { CHAT } from '../support/surfaces.ts';
import { eventually, startTestRouter } from '../support/test-router.ts';

const BODY = CHAT.body('x'.repeat(900), false);

test('a head or a body that does not arrive in time is a 408, and nothing is forwarded', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const router = await startTestRouter(t, { endpoints: [upstream.url], timeouts: { client_body_ms: 200 } });
  const head = `POST ${CHAT.path} HTTP/1.1\r\nHost: a\r\n`;
  for (const bytes of [head, `${head}Content-Length: 100\r\n\r\n{"a"`, `${head}Transfer-Encoding: chunked\r\n\r\n4\r\n{"a"`]) {
    const client = await openConnection(t, router.url);
    client.socket.write(bytes);
    const answer = readAnswer(await client.closed);
    t.match([answer.status, header(answer, 'connection')], [408, 'close'], bytes);
    t.match(JSON.parse(answer.body.toString()), { error: { code: 'request_timeout' } });
  }
  const silent = await openConnection(t, router.url);
  t.equal(readAnswer(await silent.closed).status, 408, 'a connection without a request');
  t.same(upstream.requests, []);
});

test('a body that drips is cut off too: the time is for the whole of it', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const router = await startTestRouter(t, { endpoints: [upstream.url], timeouts: { client_body_ms: 200 } });
  for (const path of [CHAT.path, '/tokenize']) {
    const client = await openConnection(t, router.url);
    client.socket.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`);
    const drip = setInterval(() => client.socket.write(chunk('x')), 20);
    t.equal(readAnswer(await client.closed).status, 408, path);
    clearInterval(drip);
  }
  t.same(upstream.requests, []);
});

test('an answer that takes longer than a body may is not cut off', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const router = await startTestRouter(t, { endpoints: [upstream.url], timeouts: { client_body_ms: 50 } });
  const [waiting, dropped] = [await openConnection(t, router.url), await openConnection(t, router.url)];
  waiting.socket.write(requestBytes({ path: CHAT.path, body: BODY }));
  const { socket } = await upstream.request(0);
  // By then the connections have been looked at after the limit.
  await dropped.closed;
  socket.write(sized(200, '{"a":1}'));
  t.equal(readAnswer(await waiting.closed).status, 200);
});

test('bodies beyond the limit for all together are a 503 that says when to come back, on every listener, until one ends', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const router = await startTestRouter(t, { endpoints: [upstream.url], admission: { body_bytes_total_max: 2 * BODY.length + 100 } });
  const send = async (url: string): Promise<Connection> => {
    const client = await openConnection(t, url);
    client.socket.write(requestBytes({ path: CHAT.path, body: BODY }));
    return client;
  };
  const [first] = [await send(router.url), await send(router.baselineUrl)];
  await upstream.request(1);
  const tokens = chunk('x'.repeat(500));
  for (const sent of [{ path: CHAT.path, body: BODY }, { path: CHAT.path, headers: ['transfer-encoding: chunked'], body: tokens }, { path: '/tokenize', headers: ['transfer-encoding: chunked'], body: tokens }]) {
    for (const url of [router.url, router.baselineUrl]) {
      const answer = await call(t, url, { ...sent, headers: [...(sent.headers ?? []), 'connection: keep-alive'] });
      t.match([answer.status, header(answer, 'retry-after'), header(answer, 'x-should-retry'), header(answer, 'connection')], [503, '1', 'true', 'close']);
      t.match(JSON.parse(answer.body.toString()), { error: { code: 'bodies_too_large' } });
    }
  }
  t.equal(upstream.requests.length, 2);
  t.equal(await router.metric('warmroute_shed_total', { reason: 'bodies_too_large' }), 6);
  // One leaves: what it held is free again.
  first.socket.destroy();
  await upstream.requests[0]!.closed;
  const third = await send(router.url);
  for (const at of [1, 2]) (await upstream.request(at)).socket.write(sized(200, '{}'));
  t.equal(readAnswer(await third.closed).status, 200);
});

test('what a request held is given back once, however it ends', async (t) => {
  let served = 0;
  const upstream = await startRawUpstream(t, ({ socket }) => {
    served += 1;
    if (served % 3 === 0) socket.resetAndDestroy();
    else socket.write(sized(served % 3 === 1 ? 200 : 400, '{}'));
  });
  // Room for one: if any of it were kept, or given back twice, a later one would be refused, or two let in.
  const router = await startTestRouter(t, { endpoints: [upstream.url], admission: { body_bytes_total_max: BODY.length + 10 }, pools: [{ endpoints: [upstream.url], ejection: { errors_in_row: 0, error_ratio: 0 } }], retry: { attempts_max: 1 } });
  for (let at = 0; at < 60; at += 1) {
    const leaver = await openConnection(t, router.url);
    leaver.socket.write(`POST ${CHAT.path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n${'x'.repeat(500)}`);
    leaver.socket.end();
    await leaver.closed;
    const { status } = await call(t, router.url, { path: CHAT.path, headers: at % 2 === 0 ? [] : ['transfer-encoding: chunked'], body: at % 2 === 0 ? BODY : Buffer.concat([chunk(BODY), Buffer.from('0\r\n\r\n')]) });
    if (status === 503) t.fail(`${at}: something of an earlier request is still held`);
  }
  t.ok(served >= 50);
  const both = [await openConnection(t, router.url), await openConnection(t, router.url)];
  for (const client of both) client.socket.write(`POST ${CHAT.path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY.slice(0, 600)}`);
  const refused = await Promise.race(both.map((client) => client.closed));
  t.equal(readAnswer(refused).status, 503);
});

test('connections beyond the limit are closed at once, and let in again when one has ended', async (t) => {
  const router = await startTestRouter(t, { endpoints: [], pools: [{ endpoints: ['http://127.0.0.1:9'] }], ready: false, admission: { connections_max: 2 } });
  const idle = [await openConnection(t, router.url), await openConnection(t, router.url)];
  const beyond = await openConnection(t, router.url);
  t.equal((await beyond.closed).length, 0);
  idle[0]?.socket.destroy();
  await eventually(async () => (await call(t, router.url, { method: 'GET', path: '/v1/models' })).status === 200);
});

test('a body in chunks of one byte takes hardly more memory than one in a few', async (t) => {
  const upstream = await startRawUpstream(t, ({ socket }) => void socket.write(sized(200, '{"a":1}')));
  const { url } = await startTestRouter(t, { endpoints: [upstream.url] });
  const [begin = '', end = ''] = CHAT.body('|', false).split('|');
  const client = await openConnection(t, url);
  const peakMb = (): number => process.resourceUsage().maxRSS / 1024;
  const beforeMb = peakMb();
  client.socket.write(`POST ${CHAT.path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`);
  client.socket.write(Buffer.concat([chunk(begin), Buffer.from('1\r\nx\r\n'.repeat(1_000_000)), chunk(end), Buffer.from(LAST_CHUNK)]));
  t.equal(readAnswer(await client.closed).status, 200);
  t.equal((await upstream.request(0)).body.toString(), begin + 'x'.repeat(1_000_000) + end);
  // With each chunk by itself more than 600.
  t.ok(peakMb() - beforeMb < 450, `${peakMb() - beforeMb} MB`);
});
