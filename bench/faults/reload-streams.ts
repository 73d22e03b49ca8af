// reload-streams.ts: 500 streams while the configuration is replaced every second, now and then by a broken one.

import { setTimeout as sleep } from 'node:timers/promises';
import { createConversations } from './conversations.ts';
import { Load } from './load.ts';
import { atMost, type Result } from './result.ts';
import type { Situation } from './situations.ts';
import { Stage } from './stage.ts';

const STREAMS = 500;
const RELOAD_EVERY_MS = 1000;
const BROKEN_EVERY = 5;
/** A step takes about a quarter of a second, so that 500 streams are 2,000 events a second. */
const SLOW_TIME_SCALE = 25;
const ANSWER_TOKENS = 40;

export const reloadStreams: Situation = async ({ seconds }): Promise<Result> => {
  const longs = await createConversations(STREAMS, 20, ANSWER_TOKENS);
  const stage = await Stage.set({ timeScale: SLOW_TIME_SCALE });
  try {
    const load = new Load({ url: stage.router.url, shorts: [], shortsPerS: 0, longs, longStreams: STREAMS, patienceMs: 12_000 });
    for (let turn = 0; turn < seconds; turn++) {
      if (turn % BROKEN_EVERY === BROKEN_EVERY - 1) stage.router.rewrite('pools: [{ endpoints: [');
      else stage.reload({ in_flight_max: 1000 + turn });
      await sleep(RELOAD_EVERY_MS);
    }
    const [reloads, refused] = [await reloadsOf(stage, 'ok'), await reloadsOf(stage, 'failed')];
    await load.end();
    const leftAlive = await stage.leftAlive();
    const failed = load.sent.filter(({ verdict }) => verdict !== 'answered').length;
    const wanted = Math.floor(seconds / 2);
    return {
      sent: load.sent,
      leftAlive,
      figures: [
        atMost('not answered', failed, 0),
        { what: 'reloads', value: String(reloads), target: `≥ ${wanted}`, met: reloads >= wanted },
        { what: 'broken files refused', value: String(refused), target: '> 0', met: refused > 0 || seconds < BROKEN_EVERY },
        atMost('gauges', await stage.gauges(), 0),
      ],
    };
  } finally {
    await stage.strike();
  }
};

async function reloadsOf({ router }: Stage, result: 'ok' | 'failed'): Promise<number> {
  return (await router.metrics()).get(`warmroute_config_reloads_total{result="${result}"}`) ?? NaN;
}
