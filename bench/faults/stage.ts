// stage.ts: what a situation is played on: endpoints, a router before them, and conversations whose answers are known.

import { setTimeout as sleep } from 'node:timers/promises';
import { createConversations, type Conversation } from './conversations.ts';
import { FaultyEndpoint, TIME_SCALE } from './endpoint.ts';
import { RouterProcess, type RouterKeys } from './router.ts';

const ENDPOINTS = 3;
/** MUST: no upstream request is alive so long after its client left. */
export const ALIVE_MS = 250;
/** Long after that, for a machine that is busy with other things. */
const GAUGES_WAIT_MS = 10_000;
const GAUGES = /^warmroute_(in_flight_requests|queued_prompt_tokens)\b/;

export interface StageOptions {
  /** Of the pool. */
  readonly pool?: RouterKeys;
  /** Beside the pool. */
  readonly keys?: RouterKeys;
  readonly timeScale?: number;
  /** For the router's Node. */
  readonly nodeArgs?: readonly string[];
}

export interface Conversations {
  readonly shorts: readonly Conversation[];
  readonly longs: readonly Conversation[];
}

export class Stage {
  readonly endpoints: readonly FaultyEndpoint[];
  readonly router: RouterProcess;
  readonly #options: StageOptions;

  private constructor(endpoints: readonly FaultyEndpoint[], router: RouterProcess, options: StageOptions) {
    this.endpoints = endpoints;
    this.router = router;
    this.#options = options;
  }

  static async set(options: StageOptions = {}): Promise<Stage> {
    const endpoints = await Promise.all(Array.from({ length: ENDPOINTS }, () => FaultyEndpoint.start(options.timeScale ?? TIME_SCALE)));
    try {
      return new Stage(endpoints, await RouterProcess.start(keysOf(endpoints, options), options.nodeArgs), options);
    } catch (error) {
      await Promise.all(endpoints.map((endpoint) => endpoint.killNow()));
      throw error;
    }
  }

  /** The file again, with another value somewhere. */
  reload(pool: RouterKeys): void {
    this.router.rewrite(keysOf(this.endpoints, { ...this.#options, pool: { ...this.#options.pool, ...pool } }));
  }

  /** How many requests the endpoints still work on, a quarter of a second after the last client had its answer or left. */
  async leftAlive(): Promise<number> {
    await sleep(ALIVE_MS);
    return (await Promise.all(this.endpoints.map((endpoint) => endpoint.open()))).flat().length;
  }

  /** Sum of all gauges of what is under way once it stopped moving, or after ten seconds. Exactly 0 is right. */
  async gauges(): Promise<number> {
    const deadlineMs = performance.now() + GAUGES_WAIT_MS;
    for (;;) {
      const found = [...(await this.router.metrics())].filter(([name]) => GAUGES.test(name));
      const off = found.reduce((sum, [, value]) => sum + Math.abs(value), 0);
      if ((off === 0 && found.length > 0) || performance.now() > deadlineMs) return found.length === 0 ? NaN : off;
      await sleep(ALIVE_MS);
    }
  }

  async strike(): Promise<void> {
    await this.router.stop();
    await Promise.all(this.endpoints.map((endpoint) => endpoint.killNow()));
  }
}

/** Forty short conversations and as many long ones: about 0.15 s and 9 s at the usual speed. */
export async function commonConversations(): Promise<Conversations> {
  return { shorts: await createConversations(40, 40, 4), longs: await createConversations(40, 200, 400) };
}

function keysOf(endpoints: readonly FaultyEndpoint[], { pool, keys }: StageOptions): RouterKeys {
  return { pools: [{ endpoints: endpoints.map(({ url }) => url), ...pool }], shutdown: { settle_ms: 2000, deadline_ms: 60_000 }, ...keys };
}
