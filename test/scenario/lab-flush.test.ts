// lab-flush.test.ts: an endpoint loses its cache without a sign while many requests run at once.

import { test } from 'tap';
import type { Exchange } from '../../bench/lab/exchange.ts';
import { sessions } from '../../bench/lab/workloads/conversations.ts';
import { play } from './lab.ts';

const seedsTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);
const FLUSH = { atS: 75, replica: 1 };
/** Later than this, what is missing has other reasons. */
const UNTIL_S = 120;

const chat = (perS: number) => sessions({ perS, durationS: 150, turns: 5, thinkS: 8, apps: 10, appTokens: 2000, openingTokens: 0, questionTokens: 200, answerTokens: 120, tokensMax: 30_000 });

const errorTokens = ({ predictedTokens, sequence }: Exchange): number => predictedTokens - sequence!.cachedTokens!;
const slackTokens = ({ promptTokens }: Exchange): number => 32 + 0.01 * promptTokens;

/** Requests after the first answer that contradicts whose predictions are wrong: too high for the flush, or too low for what the router made of it. */
function late(perS: number, seed: number): number {
  const { exchanges } = play({ workload: chat(perS), seed, situation: { flushes: [FLUSH] } });
  const there = exchanges.filter((each) => each.replica === FLUSH.replica && !each.failed && each.endS! > FLUSH.atS && each.arrivedS < UNTIL_S);
  const contradicting = there.filter((each) => errorTokens(each) > slackTokens(each));
  if (contradicting.length === 0) throw new Error(`seed ${seed}: no answer contradicts`);
  const evidenceS = Math.min(...contradicting.map(({ endS }) => endS!));
  return there.filter((each) => each.arrivedS > evidenceS && Math.abs(errorTokens(each)) > slackTokens(each)).length;
}

for (const [perS, count] of [[1, 24], [3, 24], [5, 24], [8, 16], [12, 8]] as const) {
  test(`after the first answer that contradicts, at most three predictions are wrong for a silent flush, at ${perS} conversations/s`, (t) => {
    const counts = seedsTo(count).map((seed) => late(perS, seed));
    t.ok(Math.max(...counts) <= 3, counts.join(' '));
    t.end();
  });
}
