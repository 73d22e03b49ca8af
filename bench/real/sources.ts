// sources.ts: where the error of each prediction comes from. Pure.

import type { Prediction } from '../load/router-log.ts';
import type { Round } from './play.ts';

export type Source = 'none' | 'one block' | 'answer tokenised otherwise' | 'less was there' | 'more was there';

export const SOURCES: readonly Source[] = ['none', 'one block', 'answer tokenised otherwise', 'less was there', 'more was there'];

/** One answer beside what was predicted for it. */
export interface Judged {
  readonly prediction: Prediction;
  readonly source: Source;
  /** While a server was away. */
  readonly inRestart: boolean;
}

/** `isInRestart` says so of a time on the rounds' clock. Answers that the router's log does not tell of are left out. */
export function judge(rounds: readonly Round[], predictions: readonly Prediction[], blockTokens: number, isInRestart: (atS: number) => boolean): Judged[] {
  const byId = new Map(predictions.map((prediction) => [prediction.id, prediction]));
  const byPlace = new Map(rounds.map((round) => [`${round.user}/${round.round}`, round]));
  return rounds.flatMap((round) => {
    const prediction = byId.get(round.id);
    if (prediction === undefined) return [];
    const before = byPlace.get(`${round.user}/${round.round - 1}`);
    const sameEndpoint = before !== undefined && byId.get(before.id)?.endpoint === prediction.endpoint;
    const heldTokens = sameEndpoint ? before.promptTokens : undefined;
    return [{ prediction, source: sourceOf(prediction, heldTokens, blockTokens), inRestart: isInRestart(round.launchedS) }];
  });
}

/** `heldTokens`: the prompt of this conversation that the endpoint computed last; undefined when another endpoint did. */
function sourceOf({ predictedTokens, reportedTokens }: Prediction, heldTokens: number | undefined, blockTokens: number): Source {
  const more = reportedTokens - predictedTokens;
  if (more === 0) return 'none';
  if (Math.abs(more) <= blockTokens) return 'one block';
  if (more > 0) return 'more was there';
  // All of the last prompt was found, and not all of the answer to it.
  if (heldTokens !== undefined && reportedTokens > heldTokens - blockTokens) return 'answer tokenised otherwise';
  return 'less was there';
}
