// report.test.ts: what two ports' measurements come to.

import { test } from 'tap';
import type { Round } from '../../../bench/load/run.ts';
import { reportOf } from '../../../bench/qa/report.ts';
import { csvOf, summaryText } from '../../../bench/qa/summary.ts';

function round(ttftS: number, cachedTokens: number): Round {
  return { id: '', text: '', launchedS: 10, firstTokenS: 10 + ttftS, finishedS: 20 + ttftS, promptTokens: 1000, cachedTokens, answerTokens: 100, userId: 4, questionId: 2 };
}

function prediction(predictedTokens: number) {
  return { id: '', endpoint: '', promptTokens: 1000, predictedTokens, reportedTokens: 800 };
}

test('the targets are reached at 40 % below and with predictions off by 1 %, and not above', (t) => {
  const baseline = { seed: 1, port: 'baseline', predictions: [], rounds: [round(1, 0)] } as const;
  const judged = (ttftS: number, predictions: ReturnType<typeof prediction>[]) => reportOf([{ seed: 1, port: 'prefix', predictions, rounds: [round(ttftS, 800)] }, baseline]);
  t.equal(judged(0.5, [prediction(810)]).reached, true);
  t.equal(judged(0.625, [prediction(810)]).reached, false);
  t.equal(judged(0.5, [prediction(811)]).reached, false);
  t.match(judged(0.5, [prediction(811)]).verdict, /off by 1\.10 % of the prompt tokens: target MISSED \(at most 1 %\)/);
  t.equal(judged(0.5, []).reached, false, 'nothing was reported');
  t.end();
});

test('seeds are compared one by one, then all their requests together', (t) => {
  const { figures, table, verdict } = reportOf([
    { seed: 2, port: 'prefix', predictions: [], rounds: [round(0.25, 900), round(0.25, 900)] },
    { seed: 1, port: 'baseline', predictions: [], rounds: [round(1, 400)] },
    { seed: 1, port: 'prefix', predictions: [], rounds: [round(0.5, 800)] },
    { seed: 2, port: 'baseline', predictions: [], rounds: [round(1, 0), round(1, 200)] },
  ]);
  t.same(figures.seeds.map(({ name, ttftRatio }) => [name, ttftRatio]), [['seed 1', 0.5], ['seed 2', 0.25]]);
  t.match(figures.overall, { ttftRatio: 1 / 3, prefix: { requests: 3, uncachedPromptTokens: 400 }, baseline: { hitRatio: 0.2 } });
  t.equal(table.split('\n').filter((line) => line.startsWith('|')).length, 2 + 3 * 2);
  t.equal(new Set(table.trimEnd().split('\n').map((line) => line.length)).size, 1, 'columns are aligned');
  t.match(verdict, /66\.7 % below/);
  t.end();
});

test('the summary has the names and forms that people know, over what ended in its time', (t) => {
  const text = summaryText([round(1, 0), { ...round(9, 0), finishedS: 50 }], { qps: 0.1, inFlight: 1, fromS: 10, toS: 30 });
  for (const line of [
    /QPS:.* 0\.1000 reqs\/s/,
    /Processing speed:.* 0\.0500 reqs\/s/,
    /Requests on-the-fly:.* 1/,
    /Input tokens per second:.* 50\.0000 tokens\/s/,
    /Output tokens per second:.* 5\.0000 tokens\/s/,
    /Average generation throughput \(per request\):.* 10\.0000 tokens\/req\/s/,
    /Average TTFT:.* 1\.0000s/,
    /Time range: 10 - 30 \(20\.00s\)/,
  ]) t.match(text, line);
  t.end();
});

test('the file has a line a round under the known columns', (t) => {
  t.equal(
    csvOf([round(1, 16)]),
    'prompt_tokens,generation_tokens,ttft,generation_time,user_id,question_id,launch_time,finish_time,cached_tokens\n1000,100,1,10,4,2,10,21,16\n',
  );
  t.end();
});

test('errors of predictions are summed over requests and seeds', (t) => {
  const baseline = { port: 'baseline', rounds: [round(1, 0)], predictions: [] } as const;
  const { figures } = reportOf([
    { seed: 1, port: 'prefix', rounds: [round(0.5, 800)], predictions: [prediction(800)] },
    { seed: 1, ...baseline },
    { seed: 2, port: 'prefix', rounds: [round(0.5, 800)], predictions: [prediction(784), prediction(816)] },
    { seed: 2, ...baseline },
  ]);
  t.equal(figures.seeds[1]?.prefix.predictionError, 0.016);
  t.equal(figures.overall.prefix.predictionError, 32 / 3000);
  t.end();
});
