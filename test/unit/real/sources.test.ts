// sources.test.ts: each error of a prediction has one source.

import { test } from 'tap';
import type { Round } from '../../../bench/real/play.ts';
import { reportOf } from '../../../bench/real/report.ts';
import { judge } from '../../../bench/real/sources.ts';

const BLOCK = 32;

function round(user: number, number: number, promptTokens: number, launchedS = 0): Round {
  return { id: `${user}-${number}`, user, round: number, text: '', launchedS, firstTokenS: 1, finishedS: 2, promptTokens, cachedTokens: 0, answerTokens: 100 };
}

/** The source of the second round's error: its prompt of 1,000 tokens follows one of 640 and an answer of 100. */
function sourceOf(predictedTokens: number, reportedTokens: number, endpointBefore = 'a') {
  const predictions = [
    { id: '1-1', endpoint: endpointBefore, promptTokens: 640, predictedTokens: 0, reportedTokens: 0 },
    { id: '1-2', endpoint: 'a', promptTokens: 1000, predictedTokens, reportedTokens },
  ];
  return judge([round(1, 1, 640), round(1, 2, 1000)], predictions, BLOCK, () => false)[1]?.source;
}

test('what differs by a block at most is told from what was not there', (t) => {
  t.equal(sourceOf(736, 736), 'none');
  t.equal(sourceOf(736, 704), 'one block');
  t.equal(sourceOf(704, 736), 'one block');
  t.equal(sourceOf(640, 736), 'more was there');
  t.end();
});

test('an answer that was not found again needs its prompt to have been found, where it was computed', (t) => {
  t.equal(sourceOf(736, 640), 'answer tokenised otherwise');
  t.equal(sourceOf(736, 608), 'less was there');
  t.equal(sourceOf(736, 640, 'b'), 'less was there');
  t.end();
});

test('errors are summed by source, and once more without those of the restart', (t) => {
  const predictions = [
    { id: '1-1', endpoint: 'a', promptTokens: 600, predictedTokens: 320, reportedTokens: 0 },
    { id: '2-1', endpoint: 'a', promptTokens: 400, predictedTokens: 320, reportedTokens: 352 },
  ];
  const report = reportOf(judge([round(1, 1, 600, 5), round(2, 1, 400, 9), round(3, 1, 400)], predictions, BLOCK, (atS) => atS === 5));
  t.match(report, { requests: 2, error: { errorTokens: 352, share: 0.352 }, withoutRestart: { errorTokens: 32, share: 0.08 } });
  t.match(report.table, /less was there +\| +1 +\| +1 +\| +320 +\| +32\.00 %/);
  t.end();
});
