// A vLLM that was told to stop: its port refuses, its streams stay open and say nothing more (case 30).

import { test } from 'tap';
import { call, type Answer } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, startRawUpstream, STREAM_HEAD } from '../support/raw-upstream.ts';
import { CHAT, streamOf } from '../support/surfaces.ts';
import { eventually, startTestRouter } from '../support/test-router.ts';

const whole = streamOf(CHAT, ['hello']);
const begun = CHAT.opening + CHAT.delta('hel');
/** Of limits that must not be what ends it. */
const LIMIT_MS = 60_000;

for (const [when, first] of [['before its first event', ''], ['in the middle of its stream', chunk(begun).toString()]] as const) {
  test(`a request that is silent ${when} when the port refuses does not wait for its limits`, async (t) => {
    const stopping = await startRawUpstream(t, ({ socket }) => void socket.write(STREAM_HEAD + first));
    const other = await startRawUpstream(t, ({ socket }) => void socket.write(STREAM_HEAD + chunk(whole).toString() + LAST_CHUNK));
    const router = await startTestRouter(t, { pools: [{ endpoints: [stopping.url, other.url], slow_start_ms: 0, probe: { interval_ms: 50 } }] });
    const send = (): Promise<Answer> => call(t, router.baselineUrl, { path: CHAT.path, body: CHAT.body('hello', true) });
    const startedMs = performance.now();
    // By least-request two at once go to both.
    const answers = [send(), send()];
    await stopping.request(0);
    stopping.refuse();
    const [silent] = (await Promise.all(answers)).toSorted((a, b) => Number(a.whole) - Number(b.whole));
    if (first === '') t.same([silent!.status, silent!.whole, silent!.body.toString()], [200, true, whole], 'sent elsewhere');
    else {
      t.match(silent, { status: 200, whole: false });
      t.equal(silent!.body.toString('utf8', 0, begun.length), begun);
      t.match(silent!.body.toString('utf8', begun.length), CHAT.errorEvent);
    }
    t.ok(performance.now() - startedMs < LIMIT_MS / 2);
    t.equal(await router.metric('warmroute_retries_total', { reason: 'lost' }), first === '' ? 1 : 0);
    await eventually(async () => (await router.endpoints()).every(({ in_flight }) => in_flight === 0));
  });
}
