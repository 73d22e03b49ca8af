// lab-flush.test.ts: an endpoint loses its cache without a sign while many requests run at once.

import { test } from 'tap';
import type { Exchange } from '../../bench/lab/exchange.ts';
import { sessions } from '../../bench/lab/workloads/conversations.ts';
import { play } from './lab.ts';

const seeds = [1, 2, 3];
const FLUSH = { atS: 75, replica: 1 };
/** Later than this, what is missing has other reasons. */
const UNTIL_S = 120;

const chat = (perS: number) => sessions({ perS, durationS: 150, turns: 5, thinkS: 8, apps: 10, appTokens: 2000, openingTokens: 0, questionTokens: 200, answerTokens: 120, tokensMax: 30_000 });

const isTooHopeful = ({ predictedTokens, sequence, promptTokens }: Exchange): boolean => predictedTokens - sequence!.cachedTokens! > 32 + 0.01 * promptTokens;

for (const perS of [3, 8]) {
  for (const seed of seeds) {
    test(`after the first answer that contradicts, at most three requests are predicted wrongly for a silent flush (${perS} conversations/s, seed ${seed})`, (t) => {
      const { exchanges } = play({ workload: chat(perS), seed, situation: { flushes: [FLUSH] } });
      const wrong = exchanges.filter((each) => each.replica === FLUSH.replica && !each.failed && each.endS! > FLUSH.atS && each.arrivedS < UNTIL_S && isTooHopeful(each));
      t.ok(wrong.length > 0, 'an answer contradicts');
      const evidenceS = Math.min(...wrong.map(({ endS }) => endS!));
      const late = wrong.filter(({ arrivedS }) => arrivedS > evidenceS);
      t.ok(late.length <= 3, `${late.length} requests predicted wrongly that came after the evidence, ${wrong.length} in all`);
      t.end();
    });
  }
}
