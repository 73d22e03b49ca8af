// Engines close idle connections without a word; requests that come just then are answered, and answered once.

import { test } from 'tap';
import { seededRandom } from '../../src/core/random.ts';
import { call } from '../support/raw-client.ts';
import { sized, startRawUpstream } from '../support/raw-upstream.ts';
import { CHAT } from '../support/surfaces.ts';
import { startTestRouter } from '../support/test-router.ts';

const SEED = 8;
/** Each with a pool of its own, so that there is one idle connection for its next request, or none. */
const CLIENTS = 8;
const REQUESTS = 150;
/** In place of uvicorn's 5 s, and the pauses around it. */
const IDLE_MS = 20;
const PAUSE_MS_MAX = 2 * IDLE_MS;
const ANSWER = JSON.stringify({ id: 'c', choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }] });

test(`requests spaced around the moment in which idle connections are closed all succeed (seed ${SEED})`, { timeout: 120_000 }, async (t) => {
  const random = seededRandom(SEED);
  let closed = 0;
  const upstreams = await Promise.all(
    Array.from({ length: CLIENTS }, (_, at) =>
      startRawUpstream(
        t,
        ({ socket }) => {
          socket.write(sized(200, ANSWER));
          const idle = setTimeout(() => {
            closed += 1;
            socket.destroy();
          }, IDLE_MS);
          socket.once('data', () => clearTimeout(idle));
          socket.once('close', () => clearTimeout(idle));
        },
        { models: [`m${at}`] },
      ),
    ),
  );
  const { url, metric, endpoints } = await startTestRouter(t, {
    pools: upstreams.map((upstream, at) => ({ name: `pool-${at}`, endpoints: [upstream.url], slow_start_ms: 0 })),
    log: { level: 'silent' },
  });
  const failed: string[] = [];
  const clients = upstreams.map(async (_, at) => {
    const body = CHAT.body('hello', false).replace('"m"', `"m${at}"`);
    for (let sent = 0; sent < REQUESTS; sent += 1) {
      const answer = await call(t, url, { path: CHAT.path, body });
      if (answer.status !== 200 || !answer.whole || answer.body.toString() !== ANSWER) failed.push(`${answer.status} ${answer.body.toString()}`);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS_MAX * random()));
    }
  });
  await Promise.all(clients);

  t.same(failed, []);
  t.ok(closed > REQUESTS, `${closed} connections were closed while idle; ${await metric('warmroute_retries_total', { reason: 'stale' })} requests came too late for one`);
  for (const upstream of upstreams) t.equal(upstream.requests.length, REQUESTS, 'each was read by an engine once');
  for (const endpoint of await endpoints()) t.match(endpoint, { available: true, in_flight: 0 });
});
