// learned-model.test.ts: how long answers are, and whether they are found when they come back.

import { test } from 'tap';
import { LearnedModel } from '../../../src/dispatch/learned-model.ts';

test('the mean answer moves a 32nd of the way to each one', async (t) => {
  const learned = new LearnedModel(4);
  t.equal(learned.meanAnswerTokens, 128);
  learned.noteAnswer(160);
  t.equal(learned.meanAnswerTokens, 129);
});

test('answers count as reused until four are known and half of them were not', async (t) => {
  const learned = new LearnedModel(4);
  for (let i = 0; i < 3; i++) {
    learned.noteAnswerReused(false);
    t.ok(learned.answersAreReused, `${i + 1} known`);
  }
  learned.noteAnswerReused(false);
  t.notOk(learned.answersAreReused);
});

test('half is not most', async (t) => {
  const learned = new LearnedModel(4);
  for (const reused of [true, true, false, false]) learned.noteAnswerReused(reused);
  t.notOk(learned.answersAreReused);
  learned.noteAnswerReused(true);
  t.ok(learned.answersAreReused);
});

test('only the last 32 count', async (t) => {
  const learned = new LearnedModel(4);
  for (let i = 0; i < 100; i++) learned.noteAnswerReused(false);
  for (let i = 0; i < 16; i++) learned.noteAnswerReused(true);
  t.notOk(learned.answersAreReused, '16 of 32');
  learned.noteAnswerReused(true);
  t.ok(learned.answersAreReused, '17 of 32');
});
