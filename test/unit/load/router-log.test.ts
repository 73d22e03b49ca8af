// router-log.test.ts: predictions are read from the router's log while it is still being written.

import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { predictionError, readPredictions } from '../../../bench/load/router-log.ts';

function line(id: string, predicted: number, reported: number | undefined): string {
  return `${JSON.stringify({ msg: 'request', id, endpoint: 'a', prompt_tokens: 100, predicted_cached_tokens: predicted, reported_cached_tokens: reported })}\n`;
}

test('lines of other requests, without a report, or still incomplete are left out', async (t) => {
  const file = join(t.testdir(), 'router.log');
  const last = line('c', 96, 96);
  writeFileSync(file, `{"msg":"listening"}\n${line('other', 0, 64)}${line('a', 64, 64)}${line('x', 64, undefined)}${last.slice(0, 20)}`);
  const reading = readPredictions(file, new Set(['a', 'c', 'x']));
  appendFileSync(file, last.slice(20));
  t.strictSame((await reading).map(({ id }) => id), ['a', 'c']);
});

test('the error is the sum of the differences in both directions, of all prompt tokens', (t) => {
  const of = (predictedTokens: number, reportedTokens: number) => ({ id: '', endpoint: '', promptTokens: 100, predictedTokens, reportedTokens });
  t.match(predictionError([of(64, 64), of(64, 80), of(32, 16)]), { requests: 3, promptTokens: 300, errorTokens: 32, share: 32 / 300 });
  t.end();
});
