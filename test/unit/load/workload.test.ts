// workload.test.ts: when whom asks what.

import { test } from 'tap';
import { openingText, sampledQuestions, storyQuestions } from '../../../bench/load/questions.ts';
import { gapsOf, laterUser, usersAtStart, type Workload } from '../../../bench/load/workload.ts';

const workload: Workload = {
  users: 8,
  rounds: 15,
  qps: 0.1,
  systemPromptTokens: 3,
  userHistoryTokens: 2,
  answerTokensMax: 100,
  durationS: 600,
  userIdBefore: 100,
};

test('a user asks every users / qps seconds, and users come so that that many overlap', (t) => {
  t.same(gapsOf(workload), { requestS: 80, userS: 140 });
  t.end();
});

test('users at the start are spread over their rounds, and one who has asked all but none stays away', (t) => {
  const arrivals = usersAtStart(workload);
  t.same(
    arrivals.map(({ userId, roundsBefore }) => [userId, roundsBefore]),
    [[102, 13], [103, 11], [104, 9], [105, 8], [106, 6], [107, 4], [108, 2]],
  );
  t.same(arrivals.map(({ atS }) => atS), [60, 40, 20, 80, 60, 40, 20]);
  t.end();
});

test('later users come one by one with all their rounds before them', (t) => {
  t.same(laterUser(workload, 0), { userId: 109, atS: 0, roundsBefore: 0 });
  t.same(laterUser(workload, 2), { userId: 111, atS: 280, roundsBefore: 0 });
  t.end();
});

test('prompts of two users are alike up to the user', (t) => {
  const own = "here are some other context: hi hi.";
  t.equal(openingText(workload, 7), `Hi, here's some system prompt: hi hi hi.For user 7, ${own}`);
  t.equal(storyQuestions(100)(7, 3).text, storyQuestions(100)(8, 3).text);
  t.end();
});

test('sampled questions come from their seed, differ by user and round, and keep to the longest answer', (t) => {
  const questions = sampledQuestions(1, 50);
  t.same(questions(7, 3), sampledQuestions(1, 50)(7, 3));
  t.not(questions(7, 3).text, questions(7, 4).text);
  t.not(questions(7, 3).text, questions(8, 3).text);
  t.not(questions(7, 3).text, sampledQuestions(2, 50)(7, 3).text);
  const lengths = Array.from({ length: 200 }, (_, round) => questions(1, round).answerTokensMax);
  t.equal(Math.max(...lengths), 50);
  t.ok(Math.min(...lengths) < 15);
  t.end();
});
