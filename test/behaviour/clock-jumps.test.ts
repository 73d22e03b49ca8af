// The wall clock jumps an hour forth and back all the time: nothing ends too soon, and every limit in time holds.

import { test, type Test } from 'tap';
import { call, header } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, startRawUpstream, STREAM_HEAD } from '../support/raw-upstream.ts';
import { CHAT, streamOf } from '../support/surfaces.ts';
import { eventually, startTestRouter } from '../support/test-router.ts';

const HOUR_MS = 3_600_000;
const LIMIT_MS = 200;

/** Until the test ends, `Date.now` is an hour off, another way at each call. */
function jump(t: Test): void {
  const { now } = Date;
  let calls = 0;
  Date.now = () => now() + (calls++ % 2 === 0 ? HOUR_MS : -HOUR_MS);
  t.teardown(() => {
    Date.now = now;
  });
}

test('a stream goes on, and its endpoint stays in, while the clock jumps', async (t) => {
  jump(t);
  const upstream = await startRawUpstream(t, ({ socket }) => void socket.write(STREAM_HEAD + chunk(CHAT.opening).toString()));
  const { url, endpoints } = await startTestRouter(t, { endpoints: [upstream.url], pools: [{ name: 'default', endpoints: [upstream.url], slow_start_ms: 0, probe: { interval_ms: 100 }, scrape: { interval_ms: 100 } }] });
  const answering = call(t, url, { path: CHAT.path, body: CHAT.body('hello', true) });
  const { socket } = await upstream.request(0);
  const startMs = performance.now();
  await eventually(() => performance.now() - startMs > 5 * LIMIT_MS);
  t.match(await endpoints(), [{ available: true, in_flight: 1 }]);
  socket.write(chunk(CHAT.terminal).toString() + LAST_CHUNK);
  const answer = await answering;
  t.match(answer, { status: 200, whole: true });
  t.equal(answer.body.toString(), streamOf(CHAT, []));
});

test('limits in time hold while the clock jumps: silence, and waiting for a slot', async (t) => {
  jump(t);
  const upstream = await startRawUpstream(t, () => {});
  const { url } = await startTestRouter(t, {
    pools: [{ name: 'default', endpoints: [upstream.url], slow_start_ms: 0, in_flight_max: 1 }],
    timeouts: { first_byte_ms: 5 * LIMIT_MS },
    admission: { queue_wait_max_ms: LIMIT_MS },
  });
  const startMs = performance.now();
  const silent = call(t, url, { path: CHAT.path, body: CHAT.body('hello', true) });
  await upstream.request(0);
  const waiting = await call(t, url, { path: CHAT.path, body: CHAT.body('hello again', true) });
  t.match(waiting, { status: 503, whole: true });
  t.match(header(waiting, 'retry-after'), /^[1-9]\d*$/);
  t.match(await silent, { status: 504, whole: true });
  const tookMs = performance.now() - startMs;
  t.ok(tookMs >= 5 * LIMIT_MS, `not before it was due: ${tookMs} ms`);
});
