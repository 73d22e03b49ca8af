// accuracy.test.ts: the error that is shown, and the one complaint an episode.

import { test } from 'tap';
import { Accuracy, likelyCause } from '../../../src/dispatch/accuracy.ts';

/** Reports that are off by this share of their prompt; gives at which of them a complaint came. */
function report(accuracy: Accuracy, answers: number, error: number): number[] {
  const complaints: number[] = [];
  for (let i = 1; i <= answers; i++) if (accuracy.noteReport(1000 * error, 1000, 0) === 'inaccurate') complaints.push(i);
  return complaints;
}

test('errors are summed whichever way they go, and shown as a share of prompt tokens', async (t) => {
  const accuracy = new Accuracy();
  t.equal(accuracy.errorRatio, 0);
  t.equal(accuracy.recentErrorRatio, 0);
  accuracy.noteReport(100, 1000, 160);
  accuracy.noteReport(200, 1000, 160);
  t.same(accuracy.totals, { answers: 2, promptTokens: 2000, predictedCachedTokens: 300, cachedTokens: 320, errorTokens: 100 });
  t.equal(accuracy.errorRatio, 0.05);
});

test('the recent error forgets, the total one does not', async (t) => {
  const accuracy = new Accuracy();
  report(accuracy, 500, 0.5);
  report(accuracy, 500, 0);
  t.equal(accuracy.errorRatio, 0.25);
  t.ok(accuracy.recentErrorRatio < 0.001);
});

test('an error above the limit is complained of after fifty reports, once', async (t) => {
  t.same(report(new Accuracy(), 500, 0.11), [50]);
});

test('an error at the limit is not complained of', async (t) => {
  t.same(report(new Accuracy(), 500, 0.1), []);
});

test('an error that falls below the limit in between must last anew', async (t) => {
  const accuracy = new Accuracy();
  report(accuracy, 49, 0.11);
  // One exact prediction among fifty brings a barely wrong mean down.
  accuracy.noteReport(0, 100_000, 0);
  t.ok(accuracy.recentErrorRatio < 0.1);
  t.same(report(accuracy, 1, 0.11), []);
});

test('after it recovered, an error is complained of again, and not after it only became less', async (t) => {
  const accuracy = new Accuracy();
  report(accuracy, 60, 0.4);
  report(accuracy, 300, 0.07);
  t.same(report(accuracy, 300, 0.4), [], 'the same episode');
  report(accuracy, 300, 0);
  t.equal(report(accuracy, 300, 0.4).length, 1, 'another one');
});

test('fifty answers with usage and without cached tokens are complained of once', async (t) => {
  const accuracy = new Accuracy();
  const complaints = Array.from({ length: 200 }, (_, i) => [i + 1, accuracy.noteSilentAnswer()]).filter(([, complaint]) => complaint !== undefined);
  t.same(complaints, [[50, 'no-details']]);
});

test('an endpoint that reported once is not complained of: some answers never report', async (t) => {
  const accuracy = new Accuracy();
  accuracy.noteReport(0, 100, 0);
  for (let i = 0; i < 100; i++) t.equal(accuracy.noteSilentAnswer(), undefined);
});

test('the cause is what the engine says of itself, else how much of its work is not ours', async (t) => {
  t.equal(likelyCause(false, 0.9), 'prefix-caching-off');
  t.equal(likelyCause(true, 0.34), 'other-traffic');
  t.equal(likelyCause(undefined, 0.34), 'other-traffic');
  t.equal(likelyCause(true, 0.33), 'unknown');
});
