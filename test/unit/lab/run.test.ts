import { test } from 'tap';
import { measure, SETTLING } from '../../../bench/lab/measures.ts';
import { policies, type PolicyId } from '../../../bench/lab/policies.ts';
import type { Router, RouterOptions } from '../../../bench/lab/router.ts';
import { run, type Run } from '../../../bench/lab/run.ts';
import { type Situation, situations } from '../../../bench/lab/situation.ts';
import { qa } from '../../../bench/lab/workloads/conversations.ts';
import { presets } from '../../../bench/simulator/engine/step-time.ts';
import type { Outcome } from '../../../src/core/dispatcher.ts';

const workload = qa({ users: 12, rounds: 4, perS: 1, systemTokens: 100, historyTokens: 400, answerTokens: 20, durationS: 60 });

function play(seed: number, policy: PolicyId = 'session-hash', situation: Situation = situations.plain, watch: (router: Router) => void = () => {}): Run {
  const router = (options: RouterOptions): Router => {
    const made = policies[policy](options);
    watch(made);
    return made;
  };
  return run({ fleet: { replicas: 3, preset: presets.S }, workload, seed, router, situation });
}

test('another seed has other users, who come at other times', (t) => {
  const [one, other] = [play(1).exchanges, play(2).exchanges];
  const sessions = new Set(one.map(({ facts }) => facts.session));
  t.notOk(other.some(({ facts }) => sessions.has(facts.session)));
  const arrivals = new Set(one.map(({ arrivedS }) => arrivedS));
  t.notOk(other.some(({ arrivedS }) => arrivals.has(arrivedS)));
  t.ok(Math.abs(one.length - other.length) < 0.2 * one.length, `${one.length} and ${other.length} requests`);
  t.same(play(1).exchanges.map(({ arrivedS, replica }) => [arrivedS, replica]), one.map(({ arrivedS, replica }) => [arrivedS, replica]));
  t.end();
});

test('a user asks again after the same gap', (t) => {
  const bySession = Map.groupBy(play(1).exchanges, ({ facts }) => facts.session);
  for (const exchanges of bySession.values()) {
    for (let at = 1; at < exchanges.length; at++) {
      const gapS = exchanges[at]!.arrivedS - exchanges[at - 1]!.arrivedS;
      t.ok(Math.abs(gapS - 12) < 1e-6, `${gapS} s`);
    }
  }
  t.end();
});

test('where no usage is reported, answers say nothing of tokens at all', (t) => {
  const usagesOf = (situation: Situation): unknown[] => {
    const outcomes: Outcome[] = [];
    play(1, 'prefix-cost', situation, ({ dispatcher }) => {
      const finish = dispatcher.finish.bind(dispatcher);
      dispatcher.finish = (attempt, outcome) => {
        outcomes.push(outcome);
        finish(attempt, outcome);
      };
    });
    return outcomes.map((outcome) => outcome.kind === 'complete' && outcome.usage);
  };
  t.same(new Set(usagesOf(situations['no-usage'])), new Set([undefined]));
  t.notOk(usagesOf(situations.plain).includes(undefined));
  t.end();
});

test('the settled error is that of the requests after the first ones', (t) => {
  const { exchanges, gauge, endS } = play(1);
  const one = exchanges[0]!;
  const off = (tokens: number) => ({ ...one, promptTokens: 100, predictedTokens: tokens + one.sequence!.cachedTokens! });
  const many = [...Array.from({ length: SETTLING }, () => off(50)), off(0), off(4)];
  t.equal(measure({ exchanges: many, gauge, endS }).settledError, 0.02);
  t.ok(Number.isNaN(measure({ exchanges: many.slice(0, SETTLING), gauge, endS }).settledError));
  t.end();
});
