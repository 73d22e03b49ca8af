// situations.ts: what happens to the endpoints while the load goes on, each with its figure.

import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import type { FaultyEndpoint } from './endpoint.ts';
import { atMost, type Figure, type Result } from './result.ts';
import type { Conversations, Stage } from './stage.ts';
import { errorsBeforeFirstEvent, underSteadyLoad, type Breaking } from './steady.ts';

export interface Setting {
  readonly seconds: number;
  readonly conversations: Conversations;
}

export type Situation = (setting: Setting) => Promise<Result>;

const DOWN_MS = 4000;
const SILENCE_MS = 5000;

/** Something happens to one of three. */
function toOne(happens: (endpoint: FaultyEndpoint, seconds: number) => Promise<(() => Promise<void>) | void>, most = 0, more: Partial<Breaking> = {}): Situation {
  return (setting) =>
    underSteadyLoad({ ...setting, ...more, breaks: ({ endpoints }) => happens(endpoints[0]!, setting.seconds), figures: (load) => [errorsBeforeFirstEvent(load, most)] });
}

const killed = toOne(async (endpoint) => {
  await endpoint.killNow();
  await sleep(DOWN_MS);
  await endpoint.startAgain();
});

/** Streams that began there are told once they are silent for `idle_ms`. */
const hung = toOne(
  async (endpoint) => {
    endpoint.signal('SIGSTOP');
    return async () => {
      endpoint.signal('SIGCONT');
      await sleep(SILENCE_MS); // It wakes up to hundreds of requests whose clients are gone.
    };
  },
  0,
  { keys: { timeouts: { first_byte_ms: 2000, idle_ms: SILENCE_MS } } },
);

const slowed = toOne(async (endpoint, seconds) => {
  await endpoint.fault({ kind: 'slow', factor: 20 });
  await sleep(seconds * 1000);
  await endpoint.fault({ kind: 'heal' });
});

const restarted = toOne((endpoint) => endpoint.fault({ kind: 'restart', downMs: 500 }));

function toldToStop(manner: 'abort' | 'silent'): Situation {
  return toOne(async (endpoint) => {
    await endpoint.fault({ kind: 'stop', manner });
    await sleep(DOWN_MS + SILENCE_MS);
    await endpoint.startAgain();
  });
}

const draining = toOne((endpoint) => endpoint.fault({ kind: 'drain' }));

const engineDead = toOne((endpoint) => endpoint.fault({ kind: 'engine-dead' }));

const ERRORS_MAX = 5;

/** `/health` says 500 too. */
const errors = toOne((endpoint) => endpoint.fault({ kind: 'status', status: 500 }), ERRORS_MAX);

/** Probes and scrapes see nothing of it. */
const errorsUnseen = toOne((endpoint) => endpoint.fault({ kind: 'status', status: 500, path: '/v1/' }), ERRORS_MAX);

const RETURN_MS_MAX = 2000;
/** Measured from outside, on a machine that is busy with the load: ten times the 50 ms. */
const REFUSED_MS_MAX = 500;

const allDown: Situation = (setting) => {
  const found: Figure[] = [];
  return underSteadyLoad({
    ...setting,
    async breaks(stage) {
      await Promise.all(stage.endpoints.map((endpoint) => endpoint.killNow()));
      await sleep(DOWN_MS);
      found.push(...(await refusals(stage)));
      await Promise.all(stage.endpoints.map((endpoint) => endpoint.startAgain()));
      const backMs = performance.now();
      await untilAnswered(stage, setting.conversations);
      found.push(atMost('first success after the return', Math.round(performance.now() - backMs), RETURN_MS_MAX, ' ms'));
    },
    figures: ({ sent }) => {
      const bare = sent.filter(({ verdict, status, retryAfter }) => verdict === 'refused' && (status !== 503 || retryAfter === undefined));
      return [...found, atMost('refusals without 503 and Retry-After', bare.length, 0)];
    },
  });
};

async function refusals(stage: Stage): Promise<readonly Figure[]> {
  let slowestMs = 0;
  let wrong = 0;
  for (let at = 0; at < 20; at++) {
    const startMs = performance.now();
    const { statusCode, headers, body } = await request(`${stage.router.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"model":"/model/qwen","messages":[{"role":"user","content":"anyone?"}]}',
    });
    await body.dump();
    slowestMs = Math.max(slowestMs, performance.now() - startMs);
    if (statusCode !== 503 || headers['retry-after'] === undefined) wrong += 1;
  }
  return [atMost('503 with Retry-After within', Math.round(slowestMs), REFUSED_MS_MAX, ' ms'), atMost('other answers', wrong, 0)];
}

async function untilAnswered({ router }: Stage, { shorts }: Conversations): Promise<void> {
  for (;;) {
    const { statusCode, body } = await request(`${router.url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: shorts[0]!.body(false) });
    await body.dump();
    if (statusCode === 200) return;
    await sleep(20);
  }
}

const RELOAD_EVERY_MS = 1000;

const reloaded: Situation = (setting) =>
  underSteadyLoad({
    ...setting,
    async breaks(stage) {
      for (let turn = 0; turn < setting.seconds; turn++) {
        stage.reload({ in_flight_max: 1000 + turn });
        await sleep(RELOAD_EVERY_MS);
      }
    },
    figures: (load) => [errorsBeforeFirstEvent(load, 0), atMost('streams told', load.sent.filter(({ verdict }) => verdict === 'told').length, 0)],
  });

export const steadySituations: ReadonlyMap<string, Situation> = new Map([
  ['killed', killed],
  ['hung', hung],
  ['slowed', slowed],
  ['restarted', restarted],
  ['stop-abort', toldToStop('abort')],
  ['stop-silent', toldToStop('silent')],
  ['draining', draining],
  ['engine-dead', engineDead],
  ['errors', errors],
  ['errors-unseen', errorsUnseen],
  ['all-down', allDown],
  ['reloaded', reloaded],
]);
