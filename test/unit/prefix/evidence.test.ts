// evidence.test.ts: what may be concluded from one report, and what not.

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

const NOTHING = { kind: 'nothing' };
const hit = (distance: number) => report(1000, [stretch(1000, distance)]);
/** Of what was used since whatever an earlier miss may mean. */
const miss = (distance: number, more: Partial<Report> = {}) => report(0, [stretch(1000, distance, { confirmedAtMs: 5000 })], more);

test('a hit says nothing about the size but that it is at least so large', async (t) => {
  const evidence = new Evidence();
  t.same(evidence.judge(hit(6000)), NOTHING);
  t.same(evidence.judge(miss(5900)), NOTHING, 'nearer: another reason');
});

test('two misses in a row beyond what was proved move the capacity to the farther one', async (t) => {
  const evidence = new Evidence();
  evidence.judge(hit(3000));
  t.same(evidence.judge(miss(5000)), NOTHING, 'one alone may have another reason');
  t.same(evidence.judge(miss(4000)), { kind: 'capacity', tokens: 5000 });
  t.same(evidence.judge(miss(4500)), NOTHING, 'counted from anew');
});

test('something found as far away parts two misses', async (t) => {
  const evidence = new Evidence();
  evidence.judge(miss(5000));
  evidence.judge(hit(5100));
  t.same(evidence.judge(miss(6000)), NOTHING);
  evidence.judge(hit(5500));
  t.same(evidence.judge(miss(5800)), { kind: 'capacity', tokens: 6000 }, 'what is found nearer parts nothing');
});

test('what may be lost and is missing does not move the capacity, until something as old is found', async (t) => {
  const evidence = new Evidence();
  const old = { confirmedAtMs: 900 };
  evidence.judge(report(1000, [stretch(1000, 3000)], { dispatchedMs: 800 }));
  for (const distance of [5000, 4000, 6000]) t.same(evidence.judge(report(0, [stretch(1000, distance, old)])), NOTHING);
  evidence.judge(report(1000, [stretch(1000, 3500, old)], { dispatchedMs: 1001, endedMs: 2500 }));
  t.same(evidence.judge(report(0, [stretch(1000, 4500, old)], { dispatchedMs: 1002, endedMs: 3000 })), { kind: 'capacity', tokens: 6000 });
});

test('a miss at the very end of the cache is no surprise', async (t) => {
  const evidence = new Evidence();
  for (let i = 0; i < 5; i++) t.same(evidence.judge(miss(CAPACITY)), NOTHING);
});

test('a capacity never falls below what was proved', async (t) => {
  const evidence = new Evidence();
  evidence.judge(hit(6000));
  evidence.judge(miss(6001));
  evidence.judge(report(500, [stretch(500, 6500), stretch(1000, 9000, { kind: 'ghost' })]));
  evidence.judge(miss(6501));
  t.same(evidence.judge(miss(6502)), { kind: 'capacity', tokens: 6502 });
});

test('what is found of a block that begins inside a message may be held for others, and proves nothing', async (t) => {
  const evidence = new Evidence();
  const others = stretch(600, 100);
  const ghost = (tokensEnd: number) => stretch(tokensEnd, 20_000, { kind: 'ghost', doubtfulEnd: 700 });
  t.same(evidence.judge(report(690, [others, ghost(700)])), NOTHING, 'nearly all of it');
  t.match(evidence.judge(report(860, [others, ghost(900)])), { kind: 'capacity' }, 'what is behind it proves it');
});

test('what was proved fades, over thousands of reports', async (t) => {
  const evidence = new Evidence();
  evidence.judge(hit(6000));
  for (let i = 0; i < 1300; i++) evidence.judge(hit(100));
  evidence.judge(miss(3000));
  t.same(evidence.judge(miss(3000)), NOTHING);
  for (let i = 0; i < 200; i++) evidence.judge(hit(100));
  evidence.judge(miss(3000));
  t.same(evidence.judge(miss(3000)), { kind: 'capacity', tokens: 3000 });
});

test('a ghost that is there raises the capacity to its distance, one within the capacity does not', async (t) => {
  const ghost = (distance: number) => report(1000, [stretch(500, 3000), stretch(1000, distance, { kind: 'ghost' })]);
  t.same(new Evidence().judge(ghost(12_000)), { kind: 'capacity', tokens: 12_000 });
  t.same(new Evidence().judge(ghost(CAPACITY)), NOTHING);
});

test('ghosts in a row that are there raise the capacity by growing strides, until something is missing', async (t) => {
  const ghost = report(1000, [stretch(1000, 12_800, { kind: 'ghost' })]);
  const evidence = new Evidence();
  t.same([0, 1, 2].map(() => evidence.judge(ghost)), [12_800, 13_200, 13_600].map((tokens) => ({ kind: 'capacity', tokens })));
  evidence.judge(miss(13_000, { capacityTokens: 14_000 }));
  t.same(evidence.judge(ghost), { kind: 'capacity', tokens: 12_800 });
});

test('a ghost that is not there was expected to be gone', async (t) => {
  const evidence = new Evidence();
  t.same(evidence.judge(report(500, [stretch(500, 3000), stretch(1000, 12_000, { kind: 'ghost' })])), NOTHING);
});

test('what was under way at dispatch proves nothing, there or not', async (t) => {
  const evidence = new Evidence();
  const provisional = stretch(1000, 6000, { kind: 'provisional' });
  for (let prompt = 0; prompt < 9; prompt++) t.same(evidence.judge(report(0, [provisional], { prompt })), NOTHING);
  t.equal(evidence.doubt.certainFromMs, undefined);
  evidence.judge(report(1000, [provisional]));
  evidence.judge(miss(5900));
  t.same(evidence.judge(miss(5900)), { kind: 'capacity', tokens: 5900 }, 'a hit on it proved nothing');
});

test('of a distance counts what is certain: others that were under way at dispatch may have come to nothing', async (t) => {
  const found = (distance: number, provisionalTokens: number) => report(1000, [stretch(1000, distance, { kind: 'ghost' })], { provisionalTokens });
  const evidence = new Evidence();
  t.same(evidence.judge(found(14_000, 4000)), NOTHING);
  t.same(evidence.judge(found(14_000, 3000)), { kind: 'capacity', tokens: 11_000 });
  const other = new Evidence();
  other.judge(report(1000, [stretch(1000, 9000)], { provisionalTokens: 8000 }));
  other.judge(miss(5000));
  t.same(other.judge(miss(5000)), { kind: 'capacity', tokens: 5000 }, 'no more than 1,000 was proved');
});

test('the first stretch that is missing is the evidence, not those behind it', async (t) => {
  const stretches = [stretch(1000, 2000), stretch(2000, 4000), stretch(3000, 8000)];
  const evidence = new Evidence();
  evidence.judge(report(1000, stretches));
  t.same(evidence.judge(report(1000, stretches)), { kind: 'capacity', tokens: 4000 });
});

test('a difference within the slack is neither a hit nor a miss', async (t) => {
  const twice = (evidence: Evidence, cachedTokens: number, stretches: readonly Stretch[]) => [0, 1].map(() => evidence.judge(report(cachedTokens, stretches)))[1];
  const stretches = [stretch(1000, 2000), stretch(2000, 4000)];
  t.same(twice(new Evidence(), 1960, stretches), NOTHING, 'found, to within the slack');
  t.same(twice(new Evidence(), 1959, stretches), { kind: 'capacity', tokens: 4000 });
  const short = [stretch(1000, 2000), stretch(1030, 9000)];
  const evidence = new Evidence();
  t.same(twice(evidence, 1000, short), NOTHING, 'a stretch that the slack covers cannot be missed');
  evidence.judge(miss(8000));
  t.same(evidence.judge(miss(8000)), { kind: 'capacity', tokens: 8000 }, 'nor was it proved');
});

/** The cache reaches so far, as was found. */
function proved(distance = 6000): Evidence {
  const evidence = new Evidence();
  evidence.judge(hit(distance));
  return evidence;
}

test('two different prompts with nothing of the old found mean that the cache was emptied', async (t) => {
  const evidence = proved();
  t.same(evidence.judge(miss(3000, { prompt: 1 })), NOTHING);
  t.same(evidence.judge(miss(3000, { prompt: 2 })), { kind: 'forget' });
});

test('the same prompt three times means nothing', async (t) => {
  const evidence = proved();
  for (let i = 0; i < 5; i++) t.same(evidence.judge(miss(3000)), NOTHING);
});

test('what a running request has in use cannot have been evicted', async (t) => {
  const evidence = new Evidence();
  const busy = report(0, [stretch(1000, 9000, { kind: 'busy' })]);
  evidence.judge(busy);
  t.same(evidence.judge({ ...busy, prompt: 2 }), { kind: 'forget' });
});

test('what is missing close to the end of what was proved may have been evicted while the request waited', async (t) => {
  const evidence = proved();
  for (let prompt = 1; prompt < 5; prompt++) t.same(evidence.judge(miss(4501, { prompt })), NOTHING);
});

test('a prompt found in part raises no suspicion, and clears one', async (t) => {
  const evidence = proved();
  const partly = (more: Partial<Report>) => report(200, [stretch(1000, 3000)], more);
  for (let prompt = 1; prompt < 5; prompt++) t.same(evidence.judge(partly({ prompt })), NOTHING);
  evidence.judge(miss(3000, { prompt: 5 }));
  evidence.judge(partly({ prompt: 6, dispatchedMs: 1001 }));
  t.same(evidence.judge(miss(3000, { prompt: 7, dispatchedMs: 1200 })), NOTHING, 'counted from anew');
});

test('something found from before the suspicion clears it', async (t) => {
  const evidence = proved();
  evidence.judge(miss(3000, { prompt: 1, dispatchedMs: 1000 }));
  evidence.judge(report(1000, [stretch(1000, 3000, { confirmedAtMs: 999 })], { dispatchedMs: 1050 }));
  t.same(evidence.judge(miss(3000, { prompt: 2, dispatchedMs: 1200 })), NOTHING, 'counted from anew');
  t.same(evidence.judge(miss(3000, { prompt: 3, dispatchedMs: 1300 })), { kind: 'forget' });
});

test('a request sent before those that found nothing may have been served before, and clears nothing', async (t) => {
  const evidence = proved();
  evidence.judge(miss(3000, { prompt: 1, dispatchedMs: 1000 }));
  evidence.judge(report(1000, [stretch(1000, 3000, { confirmedAtMs: 500 })], { dispatchedMs: 1000 }));
  t.same(evidence.judge(miss(3000, { prompt: 2, dispatchedMs: 1100 })), { kind: 'forget' });
});

test('something found that came after the suspicion, or was in use, does not clear it', async (t) => {
  const evidence = proved();
  evidence.judge(miss(3000, { prompt: 1, dispatchedMs: 1000 }));
  evidence.judge(report(1000, [stretch(1000, 500, { confirmedAtMs: 1000 })], { dispatchedMs: 1050 }));
  evidence.judge(report(1000, [stretch(1000, 500, { kind: 'busy', confirmedAtMs: 900 })], { dispatchedMs: 1050 }));
  t.same(evidence.judge(miss(3000, { prompt: 2, dispatchedMs: 1200 })), { kind: 'forget' });
});

test('where single prompts are lost again and again, it takes three', async (t) => {
  const evidence = proved();
  for (let i = 0; i < 3; i++) {
    evidence.judge(miss(3000, { prompt: 1, dispatchedMs: 1000 }));
    evidence.judge(report(1000, [stretch(1000, 3000, { confirmedAtMs: 999 })], { dispatchedMs: 1050 }));
  }
  t.same(evidence.judge(miss(3000, { prompt: 1 })), NOTHING);
  t.same(evidence.judge(miss(3000, { prompt: 2 })), NOTHING);
  t.same(evidence.judge(miss(3000, { prompt: 3 })), { kind: 'forget' });
});

test('a prompt of which something old is found raises no suspicion', async (t) => {
  const evidence = new Evidence();
  evidence.judge(hit(6000));
  for (let prompt = 1; prompt < 9; prompt++) t.same(evidence.judge(report(500, [stretch(500, 3000), stretch(1000, 3500)], { prompt })), NOTHING);
});

test('a cache known to be empty is suspected anew, not further', async (t) => {
  const evidence = proved();
  evidence.judge(miss(3000, { prompt: 1 }));
  evidence.forget();
  t.same(evidence.judge(miss(3000, { prompt: 3 })), NOTHING);
});

test('before and after stay right when the clock passes what 32 bits hold', async (t) => {
  const wrap = 2 ** 31;
  const evidence = proved();
  evidence.judge(miss(3000, { prompt: 1, dispatchedMs: wrap + 5 }));
  evidence.judge(report(1000, [stretch(1000, 3000, { confirmedAtMs: wrap - 5 })], { dispatchedMs: wrap + 6 }));
  t.same(evidence.judge(miss(3000, { prompt: 3, dispatchedMs: wrap + 7 })), NOTHING, 'the hit was from before');
});

test('what proved more than was told is not believed for ever: three misses in a row beyond that bring it back', async (t) => {
  const over = { capacityTokens: 1.2 * CAPACITY, toldTokens: CAPACITY };
  const evidence = new Evidence();
  t.match(evidence.judge(report(1000, [stretch(1000, 1.2 * CAPACITY, { kind: 'ghost' })], { capacityTokens: CAPACITY, toldTokens: CAPACITY })), { kind: 'capacity' });
  const isMissed = () => evidence.judge(miss(1.05 * CAPACITY, over));
  t.same([isMissed(), isMissed()], [NOTHING, NOTHING]);
  evidence.judge(report(1000, [stretch(1000, 1.01 * CAPACITY)], over));
  t.same([isMissed(), isMissed()], [NOTHING, NOTHING], 'something so far away was found');
  evidence.judge(report(1000, [stretch(1000, 0.5 * CAPACITY)], over));
  t.same(isMissed(), { kind: 'capacity', tokens: CAPACITY });
  evidence.judge(miss(0.99 * CAPACITY, { toldTokens: CAPACITY }));
  t.same(evidence.judge(miss(0.98 * CAPACITY, { toldTokens: CAPACITY })), NOTHING, 'what was told is as good as proved');
});

test('a ghost that is there raises what was told only where it proves more than distances may be wrong by', async (t) => {
  const ghost = (distance: number, capacityTokens: number, toldTokens: number | undefined) => report(1000, [stretch(1000, distance, { kind: 'ghost' })], { capacityTokens, toldTokens });
  const evidence = new Evidence();
  for (let i = 0; i < 3; i++) t.same(evidence.judge(ghost(1.049 * CAPACITY, CAPACITY, CAPACITY)), NOTHING);
  t.same(evidence.judge(ghost(1.02 * CAPACITY, 0.8 * CAPACITY, CAPACITY)), { kind: 'capacity', tokens: CAPACITY }, 'as far as was told');
  t.same(evidence.judge(ghost(1.05 * CAPACITY, CAPACITY, CAPACITY)), { kind: 'capacity', tokens: 1.05 * CAPACITY });
  t.match(evidence.judge(ghost(0.9 * CAPACITY, 0.8 * CAPACITY, CAPACITY)), { kind: 'capacity' });
  t.match(new Evidence().judge(ghost(1.02 * CAPACITY, CAPACITY, undefined)), { kind: 'capacity', tokens: 1.02 * CAPACITY }, 'nothing was told');
});
