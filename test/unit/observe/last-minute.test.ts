import { array, assert, double, property } from 'fast-check';
import { test } from 'tap';
import { createLastMinute } from '../../../src/observe/last-minute.ts';
import { RecentWindow } from '../../../src/observe/recent-window.ts';
import { sampleRecord } from './sample-record.ts';

test('requests are counted by their listener and their endpoint, tokens of complete ones alone', (t) => {
  let nowMs = 0;
  const lastMinute = createLastMinute(() => nowMs);
  t.equal(lastMinute.ofListener('prefix'), undefined);
  lastMinute.ended(sampleRecord({ reportedPromptTokens: 200, reportedCachedTokens: 112, predictedCachedTokens: 96 }));
  lastMinute.ended(sampleRecord({ reportedPromptTokens: undefined, reportedCachedTokens: undefined, promptTokens: 100, predictedCachedTokens: 64, endpoint: 'b:1' }));
  lastMinute.ended(sampleRecord({ outcome: 'truncated', endpoint: 'b:1' }));
  lastMinute.ended(sampleRecord({ outcome: 'shed', endpoint: '', timeToFirstTokenMs: undefined }));
  nowMs = 10_000;
  t.match(lastMinute.ofListener('prefix'), { requestsPerS: 0.4, predictedHitRatio: 160 / 300, reportedHitRatio: 112 / 200, errorRatio: 16 / 200, promptTokens: 300, notRecomputedTokens: 176 });
  t.match(lastMinute.ofEndpoint('b:1'), { requestsPerS: 0.2, predictedHitRatio: 0.64, reportedHitRatio: undefined, errorRatio: undefined });
  t.equal(lastMinute.ofEndpoint(''), undefined);
  t.end();
});

test('what is older than a minute is forgotten, totals are not', (t) => {
  let nowMs = 123_456;
  const lastMinute = createLastMinute(() => nowMs);
  lastMinute.ended(sampleRecord());
  nowMs += 50_000;
  t.match(lastMinute.ofListener('prefix'), { reportedHitRatio: 0.56 });
  nowMs += 10_000;
  t.match(lastMinute.ofListener('prefix'), { requestsPerS: 0, timeToFirstTokenP50Ms: undefined, timeToFirstTokenP90Ms: undefined, reportedHitRatio: undefined, promptTokens: 200, notRecomputedTokens: 112 });
  nowMs += 1e9;
  lastMinute.ended(sampleRecord());
  t.match(lastMinute.ofListener('prefix'), { reportedHitRatio: 0.56, promptTokens: 400 });
  t.end();
});

test('half and nine of ten of the times are told to 10 %, whatever they were', (t) => {
  assert(property(array(double({ min: 0.5, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 }), (times) => {
    const window = new RecentWindow(0);
    for (const ms of times) window.note(sampleRecord({ timeToFirstTokenMs: ms }), 1);
    const sorted = times.toSorted((a, b) => a - b);
    const { timeToFirstTokenP50Ms, timeToFirstTokenP90Ms } = window.read(2);
    for (const [told, share] of [[timeToFirstTokenP50Ms, 0.5], [timeToFirstTokenP90Ms, 0.9]] as const) {
      const exact = sorted[Math.ceil(share * sorted.length) - 1]!;
      if (!(told! >= exact / 1.101 && told! <= exact * 1.101)) return false;
    }
    return true;
  }));
  t.end();
});

test('of endpoints without end only those of the last minute are kept', (t) => {
  let nowMs = 0;
  const lastMinute = createLastMinute(() => nowMs);
  for (let at = 0; at < 1024; at += 1) lastMinute.ended(sampleRecord({ endpoint: `old-${at}` }));
  nowMs = 61_000;
  lastMinute.ended(sampleRecord({ endpoint: 'new' }));
  t.equal(lastMinute.ofEndpoint('old-0'), undefined);
  t.match(lastMinute.ofEndpoint('new'), { reportedHitRatio: 0.56 });
  t.end();
});
