// bulk-evidence.test.ts: what may be concluded from counters, and when nothing may.

import { test } from 'tap';
import { BulkEvidence, type CountedPrompt } from '../../../src/prefix/bulk-evidence.ts';
import type { Stretch } from '../../../src/prefix/stretch.ts';

const CAPACITY = 10_000;
const BLOCK = 16;
/** Of every prompt, in whole blocks; the slack of ten such prompts is 3 % of 16,000 and two blocks: 512. */
const HELD = 1280;
const PROMPT = 1600;
const PROMPTS = 10;
const NOTHING = { kind: 'nothing' };

function prompt(distanceTokens: number, more: Partial<Stretch> = {}, answerTokens = 0): CountedPrompt {
  return { stretches: [{ kind: 'idle', bucket: 0, distanceTokens, confirmedAtMs: 0, tokensEnd: HELD, ...more }], answerTokens, promptTokens: PROMPT };
}

/** An engine's counters, and the evidence they give, window by window. */
function engine() {
  const evidence = new BulkEvidence();
  const totals = { atMs: 1000, queriesTotal: 5000, hitsTotal: 3000 };
  const sample = (capacity = CAPACITY) => evidence.sample({ ...totals }, capacity, BLOCK);
  sample();
  const serve = (prompts: readonly CountedPrompt[], hits: number, { others = 0, capacity = CAPACITY } = {}) => {
    for (const each of prompts) evidence.note(each);
    totals.atMs += 1000;
    totals.queriesTotal += prompts.reduce((sum, each) => sum + each.promptTokens, 0) + others;
    totals.hitsTotal += hits;
    return sample(capacity);
  };
  return { evidence, serve, prove: (distance: number) => serve(many(distance), PROMPTS * HELD) };
}

function many(distance: number, more: Partial<Stretch> = {}): CountedPrompt[] {
  return Array<CountedPrompt>(PROMPTS).fill(prompt(distance, more));
}

/** Half of them near, half far. */
function mixed(near: number, far: number): CountedPrompt[] {
  return [...many(near), ...many(far)].filter((_, i) => i % 2 === 0);
}

test('where all hits were expected, the capacity stays', async (t) => {
  const { prove } = engine();
  for (let i = 0; i < 5; i++) t.same(prove(6000), NOTHING);
});

test('a shortfall beyond what was proved moves the capacity half way, once it came twice in a row', async (t) => {
  const { prove, serve } = engine();
  prove(3000);
  t.same(serve(mixed(3000, 8000), 5 * HELD), NOTHING, 'once');
  t.same(serve(mixed(3000, 8000), 5 * HELD), { kind: 'capacity', tokens: 9000 });
});

test('a window without a shortfall between two begins anew', async (t) => {
  const { prove, serve } = engine();
  prove(3000);
  serve(mixed(3000, 8000), 5 * HELD);
  prove(3000);
  t.same(serve(mixed(3000, 8000), 5 * HELD), NOTHING);
});

test('a capacity never falls below what was proved', async (t) => {
  const { prove, serve } = engine();
  prove(6000);
  const terms = { capacity: 6100 };
  const far = mixed(3000, 6050);
  serve(far, 5 * HELD, terms);
  t.match(serve(far, 5 * HELD, terms), { kind: 'capacity', tokens: (6100 + 6050) / 2 });
  const lower = { capacity: 5000 };
  serve(mixed(3000, 6050), 5 * HELD, lower);
  t.same(serve(mixed(3000, 6050), 5 * HELD, lower), NOTHING, 'beyond the capacity nothing was expected');
});

test('a shortfall nearer than what was proved is no eviction', async (t) => {
  const { prove, serve } = engine();
  prove(6000);
  for (let i = 0; i < 4; i++) t.same(serve(many(5000), 7 * HELD), NOTHING);
});

test('hits on what should be evicted raise the capacity to where they must come from', async (t) => {
  const { serve } = engine();
  const ghosts = [...many(3000), ...many(12_000, { kind: 'ghost' })];
  t.same(serve(ghosts, PROMPTS * HELD), NOTHING, 'as expected');
  t.same(serve(ghosts, 2 * PROMPTS * HELD), { kind: 'capacity', tokens: 12_000 });
});

test('a difference within the slack means nothing', async (t) => {
  const missing = (tokens: number) => {
    const { prove, serve } = engine();
    prove(3000);
    const prompts = [...many(3000).slice(1), prompt(8000, { tokensEnd: tokens })];
    serve(prompts, 9 * HELD);
    return serve(prompts, 9 * HELD);
  };
  t.same(missing(512), NOTHING);
  t.same(missing(512 + BLOCK), { kind: 'capacity', tokens: 9000 });
});

test('several prompts of which nothing old is found mean that the cache was emptied', async (t) => {
  const { prove, serve } = engine();
  prove(6000);
  t.same(serve(many(5000), 0), { kind: 'forget' });
});

test('most must be missing, and more than two prompts: others are lost for reasons of their own', async (t) => {
  const { prove, serve } = engine();
  prove(6000);
  t.same(serve(many(5000), 5 * HELD), NOTHING, 'half is not most');
  t.same(serve(many(5000), 5 * HELD - 1), { kind: 'forget' });
  const other = engine();
  other.prove(6000);
  const two = [...many(5000).slice(0, 2), ...Array.from({ length: 8 }, () => ({ stretches: [], answerTokens: 0, promptTokens: PROMPT }))];
  t.same(other.serve(two, 0), NOTHING, 'two are missing, and two is all there was');
});

test('prompts that are counted in one window and answered in the next say nothing where nothing old was asked for', async (t) => {
  const { prove, serve } = engine();
  prove(6000);
  const busy = { kind: 'busy', confirmedAtMs: 2001 } as const;
  t.same(serve(many(0, busy), (PROMPTS - 2) * HELD), NOTHING, 'two of them found nothing, which others did in their stead');
  t.same(serve(many(0, busy), 0), NOTHING, 'nobody was asked for anything that was there before');
  t.same(serve([...many(5000).slice(0, 2), ...many(0, busy)], (PROMPTS - 2) * HELD), NOTHING, 'nor for more than two prompts explain');
});

test('what is used since the window began is there, and is no sign against an empty cache', async (t) => {
  const { prove, serve } = engine();
  prove(6000);
  const fresh = { confirmedAtMs: 2001 };
  t.same(serve([...many(5000), ...many(100, fresh)], PROMPTS * HELD), { kind: 'forget' });
  const other = engine();
  other.prove(6000);
  t.same(other.serve([...many(5000), ...many(100, { confirmedAtMs: 1999 })], PROMPTS * HELD), NOTHING, 'old, and found');
});

test('whether answers were found decides nothing', async (t) => {
  const answered = Array<CountedPrompt>(PROMPTS).fill(prompt(8000, {}, 640));
  for (const found of [HELD, HELD - 640]) {
    const { prove, serve } = engine();
    prove(3000);
    for (let i = 0; i < 3; i++) t.same(serve(answered, PROMPTS * found), NOTHING, `${found} tokens found`);
  }
});

test('one missing block hides what lies behind it, though that was used later', async (t) => {
  const { prove, serve } = engine();
  prove(3000);
  const hidden = Array.from({ length: PROMPTS }, (): CountedPrompt => ({
    stretches: [
      { kind: 'idle', bucket: 0, distanceTokens: 8000, confirmedAtMs: 0, tokensEnd: 640 },
      { kind: 'idle', bucket: 0, distanceTokens: 1000, confirmedAtMs: 0, tokensEnd: HELD },
    ],
    answerTokens: 0,
    promptTokens: PROMPT,
  }));
  serve(hidden, 0);
  t.same(serve(hidden, 0), { kind: 'capacity', tokens: 9000 });
});

test('few prompts are not judged until there are eight', async (t) => {
  const { prove, serve } = engine();
  prove(6000);
  t.same(serve(many(5000).slice(0, 7), 0), NOTHING);
  t.same(serve(many(5000).slice(0, 1), 0), { kind: 'forget' }, 'the window stayed open');
});

test('where others are served too nothing is concluded, until only ours are', async (t) => {
  const { prove, serve } = engine();
  prove(6000);
  t.same(serve(many(5000), 0, { others: 0.05 * PROMPTS * PROMPT + 1 }), NOTHING);
  for (let i = 1; i < 30; i++) t.same(serve([], 0), NOTHING);
  t.same(serve(many(5000), 0), { kind: 'forget' }, 'a new window begins after thirty samples');
});

test('what is under way when the cache is forgotten is not judged', async (t) => {
  const { evidence, prove, serve } = engine();
  prove(6000);
  for (const each of many(5000)) evidence.note(each);
  evidence.forget();
  t.same(serve([], 0), NOTHING, 'opens a window');
  t.same(serve(many(5000), PROMPTS * HELD), NOTHING);
});
