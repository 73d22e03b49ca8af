// Answers that say where they came from and why, on the listeners that are asked to.

import { test } from 'tap';
import { call, header } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, sized, startRawUpstream, STREAM_HEAD } from '../support/raw-upstream.ts';
import { CHAT, streamOf } from '../support/surfaces.ts';
import { startTestRouter } from '../support/test-router.ts';

const LISTENERS = [
  { name: 'prefix', host: '127.0.0.1', port: 0, debug_headers: true },
  { name: 'baseline', host: '127.0.0.1', port: 0, policy: 'least-request' },
];
const NAMES = ['x-warmroute-endpoint', 'x-warmroute-policy', 'x-warmroute-matched-tokens', 'x-warmroute-reason', 'server-timing'];

test('a listener with debug_headers says them with streams, whole answers and errors; another one never', async (t) => {
  const stream = STREAM_HEAD + chunk(streamOf(CHAT, ['x'])).toString() + LAST_CHUNK;
  const answers = [stream, sized(200, '{}'), sized(400, '{"error":{"message":"no"}}')];
  const upstream = await startRawUpstream(t, ({ socket }) => void socket.write(answers.shift() ?? sized(200, '{}')));
  const { url, baselineUrl } = await startTestRouter(t, { endpoints: [upstream.url], listeners: LISTENERS });
  for (const [streams, status, matched] of [[true, 200, '0'], [false, 200, /^[1-9]\d*$/], [false, 400, /^[1-9]\d*$/]] as const) {
    const answer = await call(t, url, { path: CHAT.path, body: CHAT.body('hello', streams) });
    t.equal(answer.status, status);
    t.equal(header(answer, 'x-warmroute-endpoint'), upstream.id);
    t.equal(header(answer, 'x-warmroute-policy'), 'prefix-cost');
    t.match(header(answer, 'x-warmroute-matched-tokens'), matched);
    t.match(header(answer, 'x-warmroute-reason'), `${upstream.id} is the only endpoint available`);
    t.match(header(answer, 'server-timing'), /^choice;dur=\d+\.\d{3}, endpoint;dur=\d+\.\d$/);
  }
  const unread = await call(t, url, { path: '/tokenize', body: '{}' });
  t.equal(header(unread, 'x-warmroute-endpoint'), upstream.id);
  t.equal(header(unread, 'x-warmroute-policy'), 'least-request');
  for (const path of [CHAT.path, '/tokenize']) {
    const answer = await call(t, baselineUrl, { path, body: CHAT.body('hello', false) });
    t.equal(answer.status, 200);
    for (const name of NAMES) t.equal(header(answer, name), undefined, `${path} ${name}`);
  }
});
