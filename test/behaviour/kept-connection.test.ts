// An endpoint that dies on a connection that was kept open is not taken for a server that tidied up an idle one.

import { test, type Test } from 'tap';
import { call, openConnection, requestBytes } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, sized, startRawUpstream, STREAM_HEAD, type RawRequest } from '../support/raw-upstream.ts';
import { CHAT, streamOf } from '../support/surfaces.ts';
import { startTestRouter } from '../support/test-router.ts';

const body = CHAT.body('hello', false);
const whole = '{"id":"x","choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1}}';
const answerWhole = ({ socket }: RawRequest): void => void socket.write(sized(200, whole));

test('an endpoint that is killed in the middle of a prefill, on a kept connection, is replaced by another', async (t) => {
  let dying = false;
  const answer = (request: RawRequest): void => {
    if (dying) setTimeout(() => void first.close(), 700);
    else answerWhole(request);
  };
  const first = await startRawUpstream(t, answer);
  const second = await startRawUpstream(t, answerWhole);
  const { url, metric } = await startTestRouter(t, {
    listeners: [{ name: 'prefix', host: '127.0.0.1', port: 0, policy: 'prefix-cost' }],
    pools: [{ endpoints: [first.url, second.url], slow_start_ms: 0, probe: { interval_ms: 60_000 }, scrape: { interval_ms: 60_000 } }],
  });
  // The connection is kept, and the prompt is held where it went.
  while (first.requests.length === 0) await call(t, url, { path: CHAT.path, body: CHAT.body(`hello ${second.requests.length}`, false) });
  dying = true;
  const held = CHAT.body(`hello ${second.requests.length}`, false);
  t.match(await call(t, url, { path: CHAT.path, body: held }), { status: 200, whole: true, body: Buffer.from(whole) });
  t.equal(await metric('warmroute_retries_total', { reason: 'reset' }), 1);
});

test('bytes that are no HTTP, behind a request, do not get into its answer', async (t) => {
  const upstream = await startRawUpstream(t, (request) => void request.socket.write(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 20000\r\n\r\n${whole.slice(0, 20)}`));
  const { url } = await startTestRouter(t, { endpoints: [upstream.url] });
  const client = await openConnection(t, url);
  client.socket.write(requestBytes({ path: CHAT.path, body, headers: ['connection: keep-alive'] }));
  await client.until((received) => received.includes(whole.slice(0, 20)));
  client.socket.write('nonsense\r\n\r\n');
  const all = (await client.closed).toString();
  t.ok(all.endsWith(whole.slice(0, 20)), 'the cut answer and nothing more');
  t.equal(all.match(/HTTP\/1\.1/g)?.length, 1);
});

test('a client of HTTP/1.0 sees a broken stream as a reset, because its answer has no other end', async (t) => {
  const begun = CHAT.opening + CHAT.delta('hel') + CHAT.delta('lo').slice(0, -10);
  const upstream = await startRawUpstream(t, ({ socket }) => void socket.write(STREAM_HEAD + chunk(begun).toString(), () => setTimeout(() => socket.resetAndDestroy(), 50)));
  const { url } = await startTestRouter(t, { endpoints: [upstream.url] });
  t.equal(await endOf(t, url), 'ECONNRESET');
  const good = await startRawUpstream(t, ({ socket }) => void socket.write(STREAM_HEAD + chunk(streamOf(CHAT, ['hello'])).toString() + LAST_CHUNK));
  const { url: goodUrl } = await startTestRouter(t, { endpoints: [good.url] });
  t.equal(await endOf(t, goodUrl), 'end');
});

/** How the connection of an HTTP/1.0 request ends. */
async function endOf(t: Test, url: string): Promise<string> {
  const { socket } = await openConnection(t, url);
  const ended = new Promise<string>((resolve) => {
    socket.on('end', () => resolve('end'));
    socket.on('error', (error) => resolve('code' in error ? String(error.code) : error.message));
  });
  const sent = requestBytes({ path: CHAT.path, body: CHAT.body('hello', true) }).toString('latin1').replace('HTTP/1.1', 'HTTP/1.0');
  socket.write(sent, 'latin1');
  return ended;
}
