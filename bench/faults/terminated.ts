// terminated.ts: the router itself is told to stop: what it has is finished, and it ends with 0.

import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { Load } from './load.ts';
import { atMost, type Figure, type Result } from './result.ts';
import type { Situation } from './situations.ts';
import { Stage, type Conversations } from './stage.ts';

const BEFORE_MS = 3000;
/** While it is not ready and still serves, as a balancer before it takes its time to notice. */
const NOTICED_MS = 1000;
const READY_LIMIT_MS = 500;

export const terminated: Situation = async ({ conversations }): Promise<Result> => {
  const stage = await Stage.set();
  try {
    const load = begin(stage, conversations);
    await sleep(BEFORE_MS);
    const signalledMs = performance.now();
    stage.router.child.kill('SIGTERM');
    while (await isReady(stage.router.adminUrl)) await sleep(5);
    const notReadyMs = Math.round(performance.now() - signalledMs);
    await sleep(NOTICED_MS);
    await load.end();
    const how = await stage.router.child.ended;
    const leftAlive = await stage.leftAlive();
    const exit: Figure = { what: 'exit code', value: String(how), target: '0', met: how === 0 };
    const failed = load.sent.filter(({ verdict }) => verdict !== 'answered').length;
    return { sent: load.sent, leftAlive, figures: [atMost('not ready within', notReadyMs, READY_LIMIT_MS, ' ms'), atMost('not answered', failed, 0), exit] };
  } finally {
    await stage.strike();
  }
};

function begin({ router }: Stage, conversations: Conversations): Load {
  return new Load({ ...conversations, url: router.url, shortsPerS: 200, longStreams: 20, patienceMs: 30_000 });
}

async function isReady(adminUrl: string): Promise<boolean> {
  const { statusCode, body } = await request(`${adminUrl}/ready`);
  await body.dump();
  return statusCode === 200;
}
