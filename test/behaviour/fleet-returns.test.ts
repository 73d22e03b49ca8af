// Every endpoint goes down and comes back: clients hear so at once, and are served again long before the next ordinary probe.

import { test } from 'tap';
import { call, header } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, type RawRequest, startRawUpstream, STREAM_HEAD } from '../support/raw-upstream.ts';
import { CHAT, streamOf } from '../support/surfaces.ts';
import { eventually, startTestRouter } from '../support/test-router.ts';

const body = CHAT.body('hello', true);
const answerWhole = ({ socket }: RawRequest): void => void socket.write(STREAM_HEAD + chunk(streamOf(CHAT, ['hello'])).toString() + LAST_CHUNK);

test('a fleet that was down serves again soon after its return, though its probes are an hour apart', async (t) => {
  const upstreams = [await startRawUpstream(t, answerWhole), await startRawUpstream(t, answerWhole)];
  const { url, lines } = await startTestRouter(t, {
    pools: [{ endpoints: upstreams.map((each) => each.url), slow_start_ms: 0, probe: { interval_ms: 3_600_000 }, scrape: { interval_ms: 3_600_000 } }],
  });
  const ask = () => call(t, url, { path: CHAT.path, body });
  t.match(await ask(), { status: 200 });
  for (const upstream of upstreams) await upstream.close();
  await ask();
  const refused = await ask();
  t.equal(refused.status, 503);
  t.match(header(refused, 'retry-after'), /^\d+$/);
  t.equal(lines().filter(({ msg, reason }) => msg === 'endpoint is ejected' && reason === 'connection refused').length, 2);
  t.equal(lines().filter(({ msg }) => msg === 'too few endpoints are available, ejections by errors are ignored').length, 1);
  for (const { url: at } of upstreams) await startRawUpstream(t, answerWhole, { port: Number(new URL(at).port) });
  await eventually(async () => (await ask()).status === 200, 20_000);
  await eventually(() => lines().filter(({ msg }) => msg === 'enough endpoints are available again').length === 1, 20_000);
});
