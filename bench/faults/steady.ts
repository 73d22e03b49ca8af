// steady.ts: situations under steady load: 200 short requests a second and twenty long streams while something breaks.

import { setTimeout as sleep } from 'node:timers/promises';
import { Load } from './load.ts';
import { atMost, type Figure, type Result } from './result.ts';
import { Stage, type Conversations, type StageOptions } from './stage.ts';

const SHORTS_PER_S = 200;
const LONG_STREAMS = 20;
const PATIENCE_MS = 30_000;
const BEFORE_MS = 3000;

export interface Breaking extends StageOptions {
  readonly seconds: number;
  readonly conversations: Conversations;
  /** Called under load; may take as long as it wants. What it returns is called when the load has ended, before anything is counted. */
  readonly breaks: (stage: Stage, load: Load) => Promise<(() => Promise<void>) | void>;
  readonly figures: (load: Load) => readonly Figure[];
}

/** 3 s of peace, then `seconds` with what breaks. */
export async function underSteadyLoad({ seconds, conversations, breaks, figures, ...options }: Breaking): Promise<Result> {
  const stage = await Stage.set(options);
  try {
    const load = new Load({ ...conversations, url: stage.router.url, shortsPerS: SHORTS_PER_S, longStreams: LONG_STREAMS, patienceMs: PATIENCE_MS });
    await sleep(BEFORE_MS);
    const brokenMs = performance.now();
    const afterwards = await breaks(stage, load);
    await sleep(Math.max(0, seconds * 1000 - (performance.now() - brokenMs)));
    await load.end();
    await afterwards?.();
    const leftAlive = await stage.leftAlive();
    return { sent: load.sent, leftAlive, figures: [...figures(load), atMost('gauges', await stage.gauges(), 0)] };
  } finally {
    await stage.strike();
  }
}

/** Errors that clients saw of requests of which nothing had come yet. */
export function errorsBeforeFirstEvent({ sent }: Load, most: number): Figure {
  return atMost('errors before a first event', sent.filter(({ verdict }) => verdict === 'refused').length, most);
}
