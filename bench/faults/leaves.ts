// leaves.ts: 500 clients that leave at random moments: queued, connecting, waiting, in the middle of a stream.

import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from 'undici';
import { repeatUntilTold } from '../load/repeat.ts';
import { seededRandom } from '../../src/core/random.ts';
import { call } from './client.ts';
import type { Sent } from './load.ts';
import { atMost, type Result } from './result.ts';
import type { Situation } from './situations.ts';
import { ALIVE_MS, Stage } from './stage.ts';

const CLIENTS = 500;
const STAY_MS_MAX = 2000;
const ARRIVALS_MS = 4000;
const POLL_MS = 20;
/** Small enough that some leave the queue. */
const IN_FLIGHT_MAX = 40;

export const leaves: Situation = async ({ conversations: { longs } }): Promise<Result> => {
  const stage = await Stage.set({ pool: { in_flight_max: IN_FLIGHT_MAX } });
  const agent = new Agent({ pipelining: 1 });
  try {
    const random = seededRandom(1);
    const leftMs = new Map<string, number>();
    const alive = watchAlive(stage, leftMs);
    const clients = Array.from({ length: CLIENTS }, async (_, at): Promise<Sent> => {
      const [arrivesMs, staysMs] = [random() * ARRIVALS_MS, random() * STAY_MS_MAX];
      await sleep(arrivesMs);
      const told = await call({ url: stage.router.url, agent, id: `leaves-${at}`, conversation: longs[at % longs.length]!, streams: at % 4 !== 0, patienceMs: staysMs });
      leftMs.set(told.id, told.endedMs);
      // Giving up is what these clients do.
      return { ...told, long: true, verdict: told.verdict === 'hung' ? 'answered' : told.verdict };
    });
    const sent = await Promise.all(clients);
    const leftAlive = await stage.leftAlive();
    return { sent, leftAlive, figures: [atMost(`alive after ${ALIVE_MS} ms`, await alive(), 0), atMost('gauges', await stage.gauges(), 0)] };
  } finally {
    await agent.destroy();
    await stage.strike();
  }
};

/** Asks the endpoints again and again what they work on. What it returns ends that, and tells for how many requests they did so too long. */
function watchAlive(stage: Stage, leftMs: ReadonlyMap<string, number>): () => Promise<number> {
  const late = new Set<string>();
  const end = repeatUntilTold(POLL_MS, async () => {
    const askedMs = performance.now();
    const open = (await Promise.all(stage.endpoints.map((endpoint) => endpoint.open()))).flat();
    for (const id of open) if (askedMs - (leftMs.get(id) ?? askedMs) > ALIVE_MS) late.add(id);
  });
  return async () => {
    await end();
    return late.size;
  };
}
