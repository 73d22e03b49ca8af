// drain.ts: leaves without cutting anyone off: not ready, still serving, no new connections, then the rest.

import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';

export interface DrainLimits {
  /** Between turning not ready and refusing connections, so that whoever balances in front of us hears of it. */
  readonly settleMs: number;
  /** After it what still runs is cut off. */
  readonly deadlineMs: number;
}

const IDLE_SWEEP_MS = 100;

/** Resolves when the listeners are closed. `force` ends the waiting, and what still runs. */
export async function drain(listeners: readonly FastifyInstance[], limits: DrainLimits, force: AbortSignal, onPhase: (phase: 'settling' | 'draining' | 'cut_off') => void): Promise<void> {
  onPhase('settling');
  await delay(limits.settleMs, undefined, { signal: force }).catch(() => {});
  onPhase('draining');
  const cutOff = (): void => {
    onPhase('cut_off');
    for (const { server } of listeners) server.closeAllConnections();
  };
  const deadline = setTimeout(cutOff, limits.deadlineMs);
  force.addEventListener('abort', cutOff);
  // Closing ends idle connections only once, and a connection that was busy then turns idle later.
  const sweep = setInterval(() => {
    for (const { server } of listeners) server.closeIdleConnections();
  }, IDLE_SWEEP_MS);
  if (force.aborted) cutOff();
  await Promise.all(listeners.map((listener) => listener.close()));
  clearInterval(sweep);
  clearTimeout(deadline);
  force.removeEventListener('abort', cutOff);
}
