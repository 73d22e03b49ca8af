// Twenty minutes of prefill without a byte, before the engine's 200 or after it: the request lives on.

import { createRequire } from 'node:module';
import { test } from 'tap';
import { request } from 'undici';
import { call } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, startRawUpstream, STREAM_HEAD } from '../support/raw-upstream.ts';
import { CHAT, streamOf } from '../support/surfaces.ts';
import { startTestRouter } from '../support/test-router.ts';

const TWENTY_MINUTES_MS = 20 * 60_000;
/** The timers behind the limits of undici, which would cut an answer at 300 s, and how they are turned forward. */
const { tick } = createRequire(import.meta.url)('undici/lib/util/timers.js') as { tick(ms: number): void };

for (const [when, said] of [['before the 200', ''], ['after the 200', STREAM_HEAD]] as const) {
  test(`a stream that is silent for twenty minutes ${when} is answered whole`, async (t) => {
    const upstream = await startRawUpstream(t, ({ socket }) => void socket.write(said));
    const { url } = await startTestRouter(t, { endpoints: [upstream.url] });
    const answering = call(t, url, { path: CHAT.path, body: CHAT.body('hello', true) });
    const { socket } = await upstream.request(0);
    // One with undici's own limits, to see that they pass.
    const limited = t.rejects(request(`${upstream.url}/v1/completions`, { method: 'POST', body: '{}' }).then(({ body }) => body.text()), /Timeout/);
    await upstream.request(1);
    // Each turn sets what is new to its time, the next lets it pass.
    for (let turn = 0; turn < 3; turn += 1) tick(TWENTY_MINUTES_MS);
    await limited;
    socket.write((said === '' ? STREAM_HEAD : '') + chunk(CHAT.opening + CHAT.terminal).toString() + LAST_CHUNK);
    const answer = await answering;
    t.match(answer, { status: 200, whole: true });
    t.equal(answer.body.toString(), streamOf(CHAT, []));
    t.equal(upstream.requests.length, 2, 'and asked for once');
  });
}
