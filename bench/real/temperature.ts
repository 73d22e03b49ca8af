// temperature.ts: one run of the conversations at one temperature, with a restart in the middle.

import { request } from 'undici';
import { readPredictions } from '../load/router-log.ts';
import { startRouter } from '../load/router.ts';
import type { Plan } from './flags.ts';
import { play } from './play.ts';
import { judge, type Judged } from './sources.ts';
import type { VllmServer } from './vllm-server.ts';

export interface TemperatureRun {
  readonly temperature: number;
  readonly judged: readonly Judged[];
  /** How long one server was away. */
  readonly awayS: number;
  readonly failures: readonly string[];
}

/** Of the requests: when the server goes, and up to where they are sent while it is away. */
const GONE_AT = 0.45;
const WAIT_AT = 0.55;
const BACK_WAIT_MS = 30_000;
const BACK_POLL_MS = 100;

/** Through a router of its own; the servers go on from what they hold, which is of no use to texts of another temperature. */
export async function runTemperature(
  plan: Plan,
  temperature: number,
  servers: readonly VllmServer[],
  signal: AbortSignal,
  onProgress: (share: number, detail: string) => void,
): Promise<TemperatureRun> {
  const { users, rounds } = plan;
  const turns = users * rounds;
  const router = await startRouter(servers.map(({ url }) => url));
  const [goneAt, waitAt] = [Math.floor(turns * GONE_AT), Math.floor(turns * WAIT_AT)];
  let goneS = Infinity;
  let backS = Infinity;
  const restart = async (): Promise<void> => {
    goneS = performance.now() / 1000;
    await servers[0]!.stop();
    signal.throwIfAborted();
    await servers[0]!.start();
    await untilAvailable(router.urls.admin, servers.length);
    backS = performance.now() / 1000;
  };
  let back = Promise.resolve();
  const beforeTurn = (turn: number): Promise<void> | void => {
    if (turn === goneAt) back = restart();
    back.catch(() => {}); // Awaited below, by every later turn.
    onProgress(turn / turns, turn >= waitAt && backS === Infinity ? 'waiting for the server to be back' : `${turn} of ${turns} requests`);
    if (turn >= waitAt) return back;
  };
  try {
    const target = { baseUrl: router.urls.prefix, model: plan.model };
    const conversations = { ...plan, temperature, seed: 1 + temperature };
    const played = await Promise.race([play(conversations, target, beforeTurn, signal), router.broken]);
    const predictions = await readPredictions(router.logFile, new Set(played.rounds.map(({ id }) => id)));
    const judged = judge(played.rounds, predictions, plan.blockTokens, (atS) => atS >= goneS && atS < backS);
    return { temperature, judged, awayS: backS - goneS, failures: played.failures };
  } finally {
    await router.stop();
  }
}

async function untilAvailable(adminUrl: string, endpoints: number): Promise<void> {
  const deadlineMs = performance.now() + BACK_WAIT_MS;
  for (;;) {
    const { body } = await request(`${adminUrl}/endpoints`);
    const { summary } = (await body.json()) as { summary: { available: number } };
    if (summary.available === endpoints) return;
    if (performance.now() > deadlineMs) throw new Error(`the router found ${summary.available} of ${endpoints} servers available`);
    await new Promise((resolve) => setTimeout(resolve, BACK_POLL_MS));
  }
}
