// overload.ts: three times as much as the endpoints can do.

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { repeatUntilTold } from '../load/repeat.ts';
import { call } from './client.ts';
import { createConversations, type Conversation } from './conversations.ts';
import { Load } from './load.ts';
import { atMost, type Figure, type Result } from './result.ts';
import type { Situation } from './situations.ts';
import { Stage } from './stage.ts';

/** Of each endpoint. */
const IN_FLIGHT_MAX = 8;
const OFFERED = 3;
const MEASURE_MS = 8000;
const WAIT_MS_MAX = 2000;
/** Past its wait a refusal has to reach the client, on a machine that is busy. */
const REFUSAL_MS_MAX = WAIT_MS_MAX + 500;
const LIVE_EVERY_MS = 100;
const LIVE_MS_MAX = 500;
const GOODPUT_SHARE_MIN = 0.9;
const MIB = 1024 * 1024;
const GROWTH_MIB_MAX = 32;

export const overload: Situation = async ({ seconds }): Promise<Result> => {
  const conversations = await createConversations(40, 40, 20);
  const stage = await Stage.set({ pool: { in_flight_max: IN_FLIGHT_MAX, slow_start_ms: 0 }, keys: { admission: { queue_wait_max_ms: WAIT_MS_MAX } } });
  try {
    const capacityPerS = await measureCapacity(stage, conversations);
    const watched = watchRouter(stage);
    const startMs = performance.now();
    const load = new Load({ url: stage.router.url, shorts: conversations, shortsPerS: OFFERED * capacityPerS, longs: [], longStreams: 0, patienceMs: 30_000 });
    await sleep(seconds * 1000);
    const goodputPerS = load.sent.filter(({ verdict }) => verdict === 'answered').length / ((performance.now() - startMs) / 1000);
    const watchedFigures = await watched();
    await load.end();
    const leftAlive = await stage.leftAlive();
    const share = goodputPerS / capacityPerS;
    const goodput: Figure = { what: `goodput of ${capacityPerS.toFixed(0)}/s`, value: `${(share * 100).toFixed(0)} %`, target: `≥ ${GOODPUT_SHARE_MIN * 100} %`, met: share >= GOODPUT_SHARE_MIN };
    return { sent: load.sent, leftAlive, figures: [goodput, ...refusalFigures(load), ...watchedFigures, atMost('gauges', await stage.gauges(), 0)] };
  } finally {
    await stage.strike();
  }
};

/** Requests a second that the endpoints answer when each always has as many as it may, past the router. */
async function measureCapacity({ endpoints }: Stage, conversations: readonly Conversation[]): Promise<number> {
  const agent = new Agent({ pipelining: 1 });
  const endMs = performance.now() + MEASURE_MS;
  let answered = 0;
  const client = async (url: string, first: number): Promise<void> => {
    for (let turn = first; performance.now() < endMs; turn++) {
      const told = await call({ url, agent, id: `capacity-${turn}`, conversation: conversations[turn % conversations.length]!, streams: turn % 2 === 0, patienceMs: MEASURE_MS });
      if (told.endedMs < endMs) answered += 1;
    }
  };
  await Promise.all(endpoints.flatMap(({ url }) => Array.from({ length: IN_FLIGHT_MAX }, (_, at) => client(url, at * 5))));
  await agent.destroy();
  return answered / (MEASURE_MS / 1000);
}

function refusalFigures({ sent }: Load): readonly Figure[] {
  const refused = sent.filter(({ verdict }) => verdict === 'refused');
  const bare = refused.filter(({ status, retryAfter }) => (status !== 503 && status !== 429) || retryAfter === undefined);
  const slowest = Math.max(0, ...refused.map(({ sentMs, endedMs }) => Math.round(endedMs - sentMs)));
  return [
    { what: 'refused', value: String(refused.length), target: '> 0', met: refused.length > 0 },
    atMost('without Retry-After', bare.length, 0),
    atMost('refused within', slowest, REFUSAL_MS_MAX, ' ms'),
  ];
}

/** `/live` and memory until the function it returns is called. */
function watchRouter({ router }: Stage): () => Promise<readonly Figure[]> {
  const memory: number[] = [];
  let slowestMs = 0;
  const end = repeatUntilTold(LIVE_EVERY_MS, async () => {
    const startMs = performance.now();
    const { statusCode, body } = await request(`${router.adminUrl}/live`);
    await body.dump();
    slowestMs = statusCode === 200 ? Math.max(slowestMs, performance.now() - startMs) : Infinity;
    memory.push(residentMib(router.child.pid));
  });
  return async () => {
    await end();
    const third = Math.floor(memory.length / 3);
    const most = (from: number, to: number): number => Math.max(...memory.slice(from, to));
    const growth = Math.round(most(2 * third, memory.length) - most(third, 2 * third));
    return [atMost('/live within', Math.round(slowestMs), LIVE_MS_MAX, ' ms'), atMost('memory, last third over middle', growth, GROWTH_MIB_MAX, ' MiB')];
  };
}

function residentMib(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kib) * 1024) / MIB;
}
