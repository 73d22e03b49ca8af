// evidence.test.ts: what may be concluded from one report, and what not.

import { test } from 'tap';
import { Evidence, type Report } from '../../../src/prefix/evidence.ts';
import type { Stretch } from '../../../src/prefix/stretch.ts';

const CAPACITY = 10_000;

function stretch(tokensEnd: number, distanceTokens: number, more: Partial<Stretch> = {}): Stretch {
  return { kind: 'idle', bucket: 0, distanceTokens, confirmedAtMs: 0, tokensEnd, ...more };
}

function report(cachedTokens: number, stretches: readonly Stretch[], more: Partial<Report> = {}): Report {
  return { stretches, cachedTokens, slackTokens: 40, dispatchedMs: 1000, prompt: 1, capacityTokens: CAPACITY, ...more };
}

const NOTHING = { kind: 'nothing' };
const hit = (distance: number) => report(1000, [stretch(1000, distance)]);
const miss = (distance: number, more: Partial<Report> = {}) => report(0, [stretch(1000, distance)], more);

test('a hit says nothing about the size but that it is at least so large', async (t) => {
  const evidence = new Evidence();
  t.same(evidence.judge(hit(6000)), NOTHING);
  t.same(evidence.judge(miss(5900)), NOTHING, 'nearer: another reason');
});

test('a miss beyond what was proved moves the capacity half way there', async (t) => {
  t.same(new Evidence().judge(miss(4000)), { kind: 'capacity', tokens: 7000 });
  const evidence = new Evidence();
  evidence.judge(hit(6000));
  t.same(evidence.judge(miss(6001)), { kind: 'capacity', tokens: (CAPACITY + 6001) / 2 });
});

test('a capacity never falls below what was proved', async (t) => {
  const evidence = new Evidence();
  evidence.judge(hit(6000));
  t.match(evidence.judge(miss(6001, { capacityTokens: 4000 })), { kind: 'capacity', tokens: 6000 * 0.9995 });
});

test('what was proved fades, over thousands of reports', async (t) => {
  const evidence = new Evidence();
  evidence.judge(hit(6000));
  for (let i = 0; i < 1300; i++) evidence.judge(hit(100));
  t.same(evidence.judge(miss(3000)), NOTHING);
  for (let i = 0; i < 200; i++) evidence.judge(hit(100));
  t.same(evidence.judge(miss(3000)), { kind: 'capacity', tokens: 6500 });
});

test('a ghost that is there raises the capacity to its distance, one within the capacity does not', async (t) => {
  const ghost = (distance: number) => report(1000, [stretch(500, 3000), stretch(1000, distance, { kind: 'ghost' })]);
  t.same(new Evidence().judge(ghost(12_000)), { kind: 'capacity', tokens: 12_000 });
  t.same(new Evidence().judge(ghost(CAPACITY)), NOTHING);
});

test('a ghost that is not there was expected to be gone', async (t) => {
  const evidence = new Evidence();
  t.same(evidence.judge(report(500, [stretch(500, 3000), stretch(1000, 12_000, { kind: 'ghost' })])), NOTHING);
});

test('what was under way at dispatch proves nothing, there or not', async (t) => {
  const evidence = new Evidence();
  const busy = stretch(1000, 6000, { kind: 'busy' });
  t.same(evidence.judge(report(0, [busy])), NOTHING);
  evidence.judge(report(1000, [busy]));
  t.same(evidence.judge(miss(5900)), { kind: 'capacity', tokens: (CAPACITY + 5900) / 2 }, 'a hit on it proved nothing');
});

test('the first stretch that is missing is the evidence, not those behind it', async (t) => {
  const stretches = [stretch(1000, 2000), stretch(2000, 4000), stretch(3000, 8000)];
  t.same(new Evidence().judge(report(1000, stretches)), { kind: 'capacity', tokens: 7000 });
});

test('a difference within the slack is neither a hit nor a miss', async (t) => {
  const stretches = [stretch(1000, 2000), stretch(2000, 4000)];
  t.same(new Evidence().judge(report(1960, stretches)), NOTHING, 'found, to within the slack');
  t.same(new Evidence().judge(report(1959, stretches)), { kind: 'capacity', tokens: 7000 });
  const short = [stretch(1000, 2000), stretch(1030, 9000)];
  const evidence = new Evidence();
  t.same(evidence.judge(report(1000, short)), NOTHING, 'a stretch that the slack covers cannot be missed');
  t.same(evidence.judge(miss(8000)), { kind: 'capacity', tokens: 9000 }, 'nor was it proved');
});

test('three different prompts with nothing of the old found mean that the cache was emptied', async (t) => {
  const evidence = new Evidence();
  evidence.judge(hit(6000));
  t.same(evidence.judge(miss(3000, { prompt: 1 })), NOTHING);
  t.same(evidence.judge(miss(3000, { prompt: 2 })), NOTHING);
  t.same(evidence.judge(miss(3000, { prompt: 3 })), { kind: 'forget' });
});

test('the same prompt three times means nothing', async (t) => {
  const evidence = new Evidence();
  evidence.judge(hit(6000));
  for (let i = 0; i < 5; i++) t.same(evidence.judge(miss(3000)), NOTHING);
});

test('something found from before the suspicion clears it', async (t) => {
  const evidence = new Evidence();
  evidence.judge(hit(6000));
  evidence.judge(miss(3000, { prompt: 1, dispatchedMs: 1000 }));
  evidence.judge(miss(3000, { prompt: 2, dispatchedMs: 1100 }));
  evidence.judge(report(1000, [stretch(1000, 3000, { confirmedAtMs: 999 })]));
  t.same(evidence.judge(miss(3000, { prompt: 3, dispatchedMs: 1200 })), NOTHING);
  t.same(evidence.judge(miss(3000, { prompt: 4, dispatchedMs: 1300 })), NOTHING);
  t.same(evidence.judge(miss(3000, { prompt: 5, dispatchedMs: 1400 })), { kind: 'forget' }, 'counted from anew');
});

test('something found that came after the suspicion does not clear it', async (t) => {
  const evidence = new Evidence();
  evidence.judge(hit(6000));
  evidence.judge(miss(3000, { prompt: 1, dispatchedMs: 1000 }));
  evidence.judge(miss(3000, { prompt: 2, dispatchedMs: 1100 }));
  evidence.judge(report(1000, [stretch(1000, 500, { confirmedAtMs: 1000 })]));
  t.same(evidence.judge(miss(3000, { prompt: 3, dispatchedMs: 1200 })), { kind: 'forget' });
});

test('a prompt of which something old is found raises no suspicion', async (t) => {
  const evidence = new Evidence();
  evidence.judge(hit(6000));
  for (let prompt = 1; prompt < 9; prompt++) t.same(evidence.judge(report(500, [stretch(500, 3000), stretch(1000, 3500)], { prompt })), NOTHING);
});

test('a cache known to be empty is suspected anew, not further', async (t) => {
  const evidence = new Evidence();
  evidence.judge(hit(6000));
  evidence.judge(miss(3000, { prompt: 1 }));
  evidence.judge(miss(3000, { prompt: 2 }));
  evidence.forget();
  t.same(evidence.judge(miss(3000, { prompt: 3 })), NOTHING);
});

test('before and after stay right when the clock passes what 32 bits hold', async (t) => {
  const wrap = 2 ** 31;
  const evidence = new Evidence();
  evidence.judge(hit(6000));
  evidence.judge(miss(3000, { prompt: 1, dispatchedMs: wrap + 5 }));
  evidence.judge(miss(3000, { prompt: 2, dispatchedMs: wrap + 6 }));
  evidence.judge(report(1000, [stretch(1000, 3000, { confirmedAtMs: wrap - 5 })]));
  t.same(evidence.judge(miss(3000, { prompt: 3, dispatchedMs: wrap + 7 })), NOTHING, 'the hit was from before');
});
