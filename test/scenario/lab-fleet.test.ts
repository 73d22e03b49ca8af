import { test } from 'tap';
import { sessions } from '../../bench/lab/workloads/conversations.ts';
import { unrelated } from '../../bench/lab/workloads/prefixes.ts';
import { play, sharesBetween, ttftBetweenS } from './lab.ts';

const seeds = [1, 2, 3];
const chat = sessions({ perS: 3, durationS: 150, turns: 5, thinkS: 8, apps: 10, appTokens: 2000, openingTokens: 0, questionTokens: 200, answerTokens: 120, tokensMax: 30_000 });

for (const seed of seeds) {
  test(`two more endpoints get their share, and nobody waits for it (seed ${seed})`, (t) => {
    const grown = play({ workload: chat, seed, situation: { joins: [50, 50] } });
    const shares = sharesBetween(grown, 90, 150, 6);
    t.ok(Math.min(shares[4]!, shares[5]!) > 0.5 / 6, `shares after a while: ${shares.join(' ')}`);
    t.ok(Math.max(...shares) < 2 / 6, `shares after a while: ${shares.join(' ')}`);
    t.ok(ttftBetweenS(grown, 50, 70) < 1.3 * ttftBetweenS(grown, 20, 50), 'TTFT just after, beside just before');
    t.equal(grown.measures.failed, 0);
    t.end();
  });

  test(`an endpoint that restarts is left alone while down, used again cold, and believed to hold nothing (seed ${seed})`, (t) => {
    const restarted = play({ workload: chat, seed, situation: { restarts: [{ atS: 60, replica: 1, downS: 10 }] } });
    t.equal(sharesBetween(restarted, 62, 70, 4)[1], 0);
    t.ok(sharesBetween(restarted, 100, 150, 4)[1]! > 0.5 / 4, 'share after a while');
    const cold = restarted.exchanges.filter(({ replica, arrivedS, failed }) => replica === 1 && arrivedS >= 70 && !failed);
    const wrong = cold.filter(({ predictedTokens, sequence, promptTokens }) => Math.abs(predictedTokens - sequence!.cachedTokens!) > 32 + 0.01 * promptTokens);
    t.ok(cold.length > 20, `${cold.length} requests after the restart`);
    t.ok(wrong.length <= 2, `${wrong.length} of ${cold.length} requests predicted wrongly`);
    t.end();
  });

  test(`of unequal endpoints the slow one gets less and the fast one more (seed ${seed})`, (t) => {
    const workload = unrelated(12, 80, 2000, 150);
    const situation = { slowness: [1, 1, 2, 0.5] };
    const ours = play({ workload, seed, situation });
    const blind = play({ workload, seed, situation, policy: 'round-robin' });
    const shares = sharesBetween(ours, 0, Infinity, 4);
    t.ok(shares[2]! < shares[0]! && shares[0]! < shares[3]!, `shares: ${shares.join(' ')}`);
    t.ok(ours.measures.ttftMeanS < blind.measures.ttftMeanS, `${ours.measures.ttftMeanS} s against ${blind.measures.ttftMeanS} s of round robin`);
    t.end();
  });
}

test('the same seed gives the same run, another seed another', (t) => {
  const firstTokens = (seed: number) => play({ workload: chat, seed }).exchanges.map(({ firstTokenS, replica }) => [firstTokenS, replica]);
  t.same(firstTokens(1), firstTokens(1));
  t.not(JSON.stringify(firstTokens(1)), JSON.stringify(firstTokens(2)));
  t.end();
});
