// debug-headers.ts: what an answer says of where it came from and why, on listeners that are asked to.

import type { Clock } from '../core/clock.ts';
import type { Assignment } from '../core/dispatcher.ts';

/** What gives the headers when the answer begins: until then its endpoint had it. Durations are in milliseconds. */
export function debugHeaders({ endpoint, policy, reason }: Assignment, choiceMs: number, clock: Clock): () => string[] {
  const sentMs = clock();
  return () => [
    'x-warmroute-endpoint',
    endpoint.id,
    'x-warmroute-policy',
    policy,
    'x-warmroute-matched-tokens',
    String(reason?.matchedTokens ?? 0),
    'x-warmroute-reason',
    reason?.sentence ?? '',
    'server-timing',
    `choice;dur=${choiceMs.toFixed(3)}, endpoint;dur=${(clock() - sentMs).toFixed(1)}`,
  ];
}
