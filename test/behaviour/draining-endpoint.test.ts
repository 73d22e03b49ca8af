// An engine that shuts down, or is dead, while its server still answers: its errors are nobody's answer as long as there is another endpoint.

import { test } from 'tap';
import { capturedBytes } from '../support/captures.ts';
import { call } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, startRawUpstream, STREAM_HEAD, type RawRequest } from '../support/raw-upstream.ts';
import { CHAT, streamOf } from '../support/surfaces.ts';
import { startTestRouter } from '../support/test-router.ts';

const whole = streamOf(CHAT, ['hello']);

for (const [name, reason] of [['draining-new', 'draining'], ['engine-dead', 'engine_dead'], ['engine-dead-new-stream', 'engine_dead']] as const) {
  test(`${name}: the request is answered whole by another endpoint`, async (t) => {
    let asked = 0;
    const onRequest = ({ socket }: RawRequest): void => void (asked++ === 0 ? socket.end(capturedBytes(name)) : socket.write(STREAM_HEAD + chunk(whole).toString() + LAST_CHUNK));
    const upstreams = [await startRawUpstream(t, onRequest), await startRawUpstream(t, onRequest)];
    const { url, metric } = await startTestRouter(t, { endpoints: upstreams.map((upstream) => upstream.url) });
    t.match(await call(t, url, { path: CHAT.path, body: CHAT.body('hello', true) }), { status: 200, whole: true, body: Buffer.from(whole) });
    t.same(upstreams.map(({ requests }) => requests.length), [1, 1]);
    t.equal(await metric('warmroute_retries_total', { reason }), 1);
  });
}

test('another error of the engine, a plain 500, may have cost it work and is not tried elsewhere', async (t) => {
  const onRequest = ({ socket }: RawRequest): void => void socket.end('HTTP/1.1 500 Internal Server Error\r\ncontent-length: 2\r\n\r\n{}');
  const upstreams = [await startRawUpstream(t, onRequest), await startRawUpstream(t, onRequest)];
  const { url } = await startTestRouter(t, { endpoints: upstreams.map((upstream) => upstream.url) });
  t.match(await call(t, url, { path: CHAT.path, body: CHAT.body('hello', true) }), { status: 500, whole: true, body: Buffer.from('{}') });
  t.equal(upstreams.flatMap(({ requests }) => requests).length, 1);
});
