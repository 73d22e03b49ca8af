// estimate.test.ts: where the size of a cache comes from, and who hears of what is wrong.

import { test, type Test } from 'tap';
import type { Complaint } from '../../../src/dispatch/accuracy.ts';
import { Estimate } from '../../../src/dispatch/estimate.ts';
import { Endpoint } from '../../../src/pool/endpoint.ts';
import type { LoadSample } from '../../../src/pool/load-sample.ts';
import { modelKey } from '../../../src/prefix/model-key.ts';
import { SharedBlocks } from '../../../src/prefix/shared-blocks.ts';
import type { Stretch } from '../../../src/prefix/stretch.ts';
import { poolSettings, recordedEvents } from '../pool/fixture.ts';
import { chainOf } from '../prefix/conversation.ts';

function sample(more: Partial<LoadSample> = {}): LoadSample {
  return { atMs: 0, running: 0, waiting: 0, kvUsage: 0, blockSize: 32, capacityTokens: 1000, prefixCaching: true, prefixQueriesTotal: 0, prefixHitsTotal: 0, asleep: false, stepsTotal: undefined, processStartS: 1, ...more };
}

function house(kvCacheTokens: number | 'auto', own?: number | 'auto') {
  const address = { id: 'a:8000', pool: 'p', origin: 'http://a:8000', apiKey: undefined };
  const endpoint = new Endpoint({ address, settings: poolSettings('p'), kvCacheTokens: own, events: recordedEvents(), peers: { settled: () => false, heardSince: () => false } });
  const complaints: Complaint[] = [];
  const estimate = new Estimate(endpoint, kvCacheTokens, new SharedBlocks(1000), 0, { onComplaint: (_estimate, complaint) => void complaints.push(complaint) });
  return { endpoint, estimate, complaints, kvCacheTokens };
}

function checkCapacity(t: Test, { estimate, kvCacheTokens }: ReturnType<typeof house>, capacityTokens: number, toldTokens: number | undefined): void {
  estimate.refresh(kvCacheTokens);
  t.equal(estimate.index.capacityTokens, capacityTokens);
  t.equal(estimate.toldTokens, toldTokens);
}

const idle = (distanceTokens: number): Stretch => ({ kind: 'idle', bucket: 0, distanceTokens, confirmedAtMs: 50, tokensEnd: 900 });
const learn = (estimate: Estimate, distanceTokens: number, cachedTokens: number, prompt = 1) =>
  estimate.learn({ stretches: [idle(distanceTokens)], cachedTokens, dispatchedMs: 10, endedMs: 20, prompt, provisionalTokens: 0, promptTokens: 1000 });

test('the size of the cache is what is configured, for the endpoint before all, else what the engine says, else a large guess', async (t) => {
  const own = house(2000, 3000);
  own.endpoint.noteSample(sample());
  checkCapacity(t, own, 3000, 3000);
  checkCapacity(t, house(2000), 2000, 2000);
  const auto = house(2000, 'auto');
  checkCapacity(t, auto, 500_000, undefined);
  auto.endpoint.noteSample(sample());
  checkCapacity(t, auto, 1000, 1000);
});

test('what was learned stands until the engine says something else', async (t) => {
  const auto = house('auto');
  auto.endpoint.noteSample(sample());
  auto.estimate.refresh('auto');
  for (let i = 0; i < 2; i++) learn(auto.estimate, 600, 0);
  checkCapacity(t, auto, 600, 1000);
  t.equal(auto.estimate.corrections, 1);
  auto.endpoint.noteSample(sample());
  checkCapacity(t, auto, 600, 1000);
  auto.endpoint.noteSample(sample({ capacityTokens: undefined }));
  checkCapacity(t, auto, 600, 1000);
  auto.endpoint.noteSample(sample({ capacityTokens: 1200 }));
  checkCapacity(t, auto, 1200, 1200);
});

test('blocks have the size that the engine says, and 16 tokens until then', async (t) => {
  const { estimate, endpoint } = house('auto');
  t.equal(estimate.blockSize, 16);
  endpoint.noteSample(sample());
  t.equal(estimate.blockSize, 32);
});

test('two blocks and a hundredth of the prompt may be missing without meaning anything', async (t) => {
  const { estimate } = house(1000);
  for (let i = 0; i < 2; i++) learn(estimate, 600, 900 - 42);
  t.equal(estimate.index.capacityTokens, 1000);
  for (let i = 0; i < 2; i++) learn(estimate, 700, 900 - 43);
  t.equal(estimate.index.capacityTokens, 700);
});

test('a cache that was emptied is forgotten and counted, its size is kept', async (t) => {
  const { estimate } = house(1000);
  learn(estimate, 600, 900);
  for (const prompt of [1, 2]) learn(estimate, 400, 0, prompt);
  t.match(estimate, { forgets: 1, corrections: 0 });
  t.equal(estimate.index.capacityTokens, 1000);
});

/** A window of ten prompts, of which the engine finds so many tokens. */
function window(estimate: Estimate, endpoint: Endpoint, found: number): void {
  const { prefixQueriesTotal = 0, prefixHitsTotal = 0 } = endpoint.samples.at(-1) ?? {};
  for (let i = 0; i < 10; i++) estimate.notePrompt({ stretches: [idle(i < 5 ? 200 : 600)], answerTokens: 0, promptTokens: 1000 }, 1000);
  endpoint.noteSample(sample({ prefixQueriesTotal: prefixQueriesTotal + 10_000, prefixHitsTotal: prefixHitsTotal + found }));
  estimate.noteSample();
}

test("the engine's counters count until an answer reports, and again once the cache was forgotten", async (t) => {
  const { estimate, endpoint } = house(1000);
  endpoint.noteSample(sample());
  estimate.noteSample();
  for (let i = 0; i < 2; i++) window(estimate, endpoint, 5 * 900);
  t.equal(estimate.index.capacityTokens, 800);
  learn(estimate, 200, 900);
  for (let i = 0; i < 4; i++) window(estimate, endpoint, 5 * 900);
  t.equal(estimate.index.capacityTokens, 800, 'answers report');
  estimate.forget();
  estimate.noteSample();
  for (let i = 0; i < 2; i++) window(estimate, endpoint, 5 * 900);
  t.ok(estimate.index.capacityTokens < 800);
});

test('complaints reach who listens: of errors that stay, and of answers that never report', async (t) => {
  const wrong = house('auto');
  for (let i = 0; i < 60; i++) wrong.estimate.compare(500, 1000, 0);
  t.same(wrong.complaints, ['inaccurate']);
  const silent = house('auto');
  for (let i = 0; i < 60; i++) silent.estimate.compare(500, 1000, undefined);
  t.same(silent.complaints, ['no-details']);
  t.equal(silent.estimate.accuracy.totals.answers, 0, 'nothing is counted');
  const mute = house('auto');
  for (let i = 0; i < 49; i++) mute.estimate.noteAnswer(false);
  t.same(mute.complaints, []);
  for (let i = 0; i < 60; i++) mute.estimate.noteAnswer(false);
  t.same(mute.complaints, ['no-usage']);
  const mixed = house('auto');
  for (let i = 0; i < 60; i++) mixed.estimate.noteAnswer(i === 3);
  t.same(mixed.complaints, [], 'some answers have it');
});

test('an engine without a prefix cache is complained of at once, and again when it changed in between', async (t) => {
  const { estimate, endpoint, complaints } = house('auto');
  const scrape = (prefixCaching: boolean | undefined) => {
    endpoint.noteSample(sample({ prefixCaching }));
    estimate.noteSample();
  };
  scrape(true);
  t.same(complaints, []);
  for (let i = 0; i < 3; i++) scrape(false);
  t.same(complaints, ['caching-off']);
  scrape(true);
  scrape(false);
  t.same(complaints, ['caching-off', 'caching-off']);
});

test('an engine without a prefix cache is believed to hold nothing, and teaches nothing of the size', async (t) => {
  const { estimate, endpoint } = house(1000);
  const chain = chainOf('a prompt');
  const tokenEnds = new Float64Array(chain.length).fill(100);
  t.equal(estimate.credibleTokens(chain, modelKey('m'), tokenEnds), Infinity);
  endpoint.noteSample(sample({ prefixCaching: false }));
  t.equal(estimate.credibleTokens(chain, modelKey('m'), tokenEnds), 0);
  for (const prompt of [1, 2, 3, 4]) learn(estimate, 600, 0, prompt);
  t.match(estimate, { forgets: 0, corrections: 0 });
  for (let i = 0; i < 4; i++) {
    const { prefixQueriesTotal = 0 } = endpoint.samples.at(-1)!;
    for (let k = 0; k < 10; k++) estimate.notePrompt({ stretches: [idle(600)], answerTokens: 0, promptTokens: 1000 }, 1000);
    endpoint.noteSample(sample({ prefixCaching: false, prefixQueriesTotal: prefixQueriesTotal + 10_000 }));
    estimate.noteSample();
  }
  t.match(estimate, { forgets: 0, corrections: 0 });
  t.equal(estimate.index.capacityTokens, 1000);
});
