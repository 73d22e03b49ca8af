// doubt.test.ts: how many requests are predicted by what an engine may have lost, and what ends the doubt.

import { test } from 'tap';
import { Evidence, type Report } from '../../../src/prefix/evidence.ts';
import type { Stretch } from '../../../src/prefix/stretch.ts';

const CAPACITY = 10_000;

function stretch(tokensEnd: number, distanceTokens: number, more: Partial<Stretch> = {}): Stretch {
  return { kind: 'idle', bucket: 0, distanceTokens, confirmedAtMs: 0, tokensEnd, ...more };
}

function report(cachedTokens: number, stretches: readonly Stretch[], more: Partial<Report> = {}): Report {
  return { stretches, cachedTokens, slackTokens: 40, dispatchedMs: 1000, endedMs: 2000, provisionalTokens: 0, prompt: 1, capacityTokens: CAPACITY, ...more };
}

const miss = (distance: number, more: Partial<Report> = {}) => report(0, [stretch(1000, distance)], more);

/** The cache reaches so far, as was found. */
function proved(): Evidence {
  const evidence = new Evidence();
  evidence.judge(report(1000, [stretch(1000, 6000)], { dispatchedMs: 100, endedMs: 200 }));
  return evidence;
}

/** Something that may have been evicted as well is missing. */
const farMiss = (more: Partial<Report> = {}) => miss(CAPACITY, more);

function doubting(more: Partial<Report> = {}): Evidence {
  const evidence = proved();
  evidence.judge(farMiss(more));
  return evidence;
}

test('whatever is missing, two requests may be predicted by what is in doubt, and no more', async (t) => {
  for (const distance of [3000, 4501, 8000, CAPACITY]) {
    const evidence = proved();
    evidence.doubt.noteBet();
    evidence.doubt.noteBet();
    t.same([evidence.doubt.mayBet, evidence.doubt.certainFromMs], [true, undefined], 'nothing is in doubt');
    evidence.judge(miss(distance));
    t.same([evidence.doubt.mayBet, evidence.doubt.certainFromMs], [true, 2001], `${distance} tokens away`);
    evidence.doubt.noteBet();
    t.equal(evidence.doubt.mayBet, true);
    evidence.doubt.noteBet();
    t.equal(evidence.doubt.mayBet, false);
    evidence.judge(miss(distance, { dispatchedMs: 1100, endedMs: 2100 }));
    t.same([evidence.doubt.mayBet, evidence.doubt.certainFromMs], [false, 2001], 'another that is missing gives no more of them');
  }
});

test('something old that a later request finds ends doubt; what came since, was in use or was found by an earlier one does not', async (t) => {
  const finds = (more: Partial<Stretch>, dispatchedMs: number): boolean => {
    const evidence = doubting();
    evidence.judge(report(1000, [stretch(1000, 3000, more)], { dispatchedMs }));
    return evidence.doubt.certainFromMs === undefined;
  };
  t.equal(finds({ confirmedAtMs: 999 }, 1001), true);
  t.equal(finds({ kind: 'ghost' }, 1001), true);
  t.equal(finds({ confirmedAtMs: 1000 }, 1001), false);
  t.equal(finds({ kind: 'busy', confirmedAtMs: 500 }, 1001), false);
  t.equal(finds({ confirmedAtMs: 999 }, 1000), false);
});

test('the earliest of those that found less says what is old', async (t) => {
  const evidence = doubting({ dispatchedMs: 1500 });
  evidence.judge(farMiss({ dispatchedMs: 1200, endedMs: 2100 }));
  evidence.judge(report(1000, [stretch(1000, 3000, { confirmedAtMs: 1300 })], { dispatchedMs: 1600 }));
  t.equal(evidence.doubt.certainFromMs, 2001);
  evidence.judge(report(1000, [stretch(1000, 3000, { confirmedAtMs: 1100 })], { dispatchedMs: 1600 }));
  t.equal(evidence.doubt.certainFromMs, undefined);
});

test('no doubt arises where a later request has found something old already, or the same one something older than what is missing', async (t) => {
  const evidence = proved();
  evidence.judge(report(1000, [stretch(1000, 3000, { confirmedAtMs: 999 })], { dispatchedMs: 1001 }));
  evidence.judge(farMiss());
  t.equal(evidence.doubt.certainFromMs, undefined);
  evidence.judge(farMiss({ dispatchedMs: 1001 }));
  t.equal(evidence.doubt.certainFromMs, 2001, 'that one was not later');
  const beside = (confirmedAtMs: number) => {
    const other = proved();
    other.judge(report(500, [stretch(500, 3000, { confirmedAtMs }), stretch(1000, CAPACITY, { confirmedAtMs: 700 })]));
    return other.doubt.certainFromMs;
  };
  t.equal(beside(701), 2001, 'it may have come since');
  t.equal(beside(700), undefined);
});

test('when what seemed certain is missing, everything up to then is in doubt, with no more bets', async (t) => {
  const evidence = doubting();
  evidence.doubt.noteBet();
  evidence.judge(report(0, [stretch(1000, 3000, { confirmedAtMs: 2001 })], { dispatchedMs: 2500, endedMs: 3000 }));
  t.equal(evidence.doubt.certainFromMs, 3001);
  evidence.doubt.noteBet();
  t.equal(evidence.doubt.mayBet, false);
  t.same([evidence.doubt.covers(2499), evidence.doubt.covers(2500)], [true, false]);
});

test('a cache known to be empty is beyond doubt', async (t) => {
  const evidence = doubting();
  t.same([evidence.doubt.covers(999), evidence.doubt.covers(1000)], [true, false]);
  evidence.forget();
  t.match(evidence.doubt, { mayBet: true, certainFromMs: undefined });
  t.equal(evidence.doubt.covers(999), false);
});
