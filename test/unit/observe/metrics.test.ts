import { setTimeout } from 'node:timers/promises';
import { test } from 'tap';

import type { EndpointStatus, ModelStatus } from '../../../src/core/status.ts';
import { createMetrics, type Metrics } from '../../../src/observe/metrics.ts';
import { sampleModel, sampleRecord, sampleStatus } from './sample-record.ts';

function sampleMetrics(options: { modelsMax?: number; endpointStatuses?: () => readonly EndpointStatus[]; modelStatuses?: () => readonly ModelStatus[] } = {}) {
  return createMetrics({ version: '1.2.3', modelsMax: 1000, endpointStatuses: () => [], modelStatuses: () => [], waiting: () => ({ requests: 0, bytes: 0 }), ...options });
}

/** Series to value; labels sorted, so that a test does not depend on their order. */
function parse(text: string): Map<string, number> {
  const series = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name, labels, value] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const sorted = labels?.split(/,(?=[a-z_]+=)/).toSorted().join(',');
    series.set(sorted === undefined ? name : `${name}{${sorted}}`, Number(value));
  }
  return series;
}

test('every metric has its name, type and labels', async (t) => {
  const metrics = sampleMetrics({ endpointStatuses: () => [sampleStatus()], modelStatuses: () => [sampleModel()] });
  metrics.ended(sampleRecord());
  metrics.ended(sampleRecord({ outcome: 'shed', status: 429, attempts: 0 }));
  metrics.retried(sampleRecord(), 'unreachable');
  const text = await metrics.text();

  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]));
  const labels = new Map<string, string>();
  for (const series of parse(text).keys()) {
    const [name = '', rest = ''] = series.split('{');
    labels.set(name, [...rest.matchAll(/([a-z_]+)="/g)].map(([, label]) => label).join(' '));
  }
  const wanted: [name: string, type: string, labels: string][] = [
    ['warmroute_requests_total', 'counter', 'code listener model outcome policy'],
    ['warmroute_request_duration_seconds', 'histogram', 'listener model policy'],
    ['warmroute_time_to_first_token_seconds', 'histogram', 'listener model policy'],
    ['warmroute_in_flight_requests', 'gauge', 'endpoint pool'],
    ['warmroute_prefix_index_told_capacity_tokens', 'gauge', 'endpoint pool'],
    ['warmroute_recent_prediction_error_ratio', 'gauge', 'endpoint pool'],
    ['warmroute_prefix_index_forgets_total', 'counter', 'endpoint pool'],
    ['warmroute_prefix_index_capacity_corrections_total', 'counter', 'endpoint pool'],
    ['warmroute_bytes_per_token', 'gauge', 'model'],
    ['warmroute_queued_prompt_tokens', 'gauge', 'endpoint pool'],
    ['warmroute_endpoint_available', 'gauge', 'endpoint pool'],
    ['warmroute_match_ratio', 'histogram', 'listener'],
    ['warmroute_prompt_tokens_total', 'counter', 'endpoint pool'],
    ['warmroute_predicted_cached_tokens_total', 'counter', 'endpoint pool'],
    ['warmroute_reported_cached_tokens_total', 'counter', 'endpoint pool'],
    ['warmroute_prediction_error_tokens_total', 'counter', 'endpoint pool'],
    ['warmroute_prefix_index_tokens', 'gauge', 'endpoint pool'],
    ['warmroute_prefix_index_capacity_tokens', 'gauge', 'endpoint pool'],
    ['warmroute_choice_duration_seconds', 'histogram', 'policy'],
    ['warmroute_retries_total', 'counter', 'reason'],
    ['warmroute_shed_total', 'counter', 'reason'],
    ['warmroute_ejections_total', 'counter', 'endpoint pool'],
    ['warmroute_prompt_tokens_not_recomputed_total', 'counter', 'listener'],
    ['warmroute_complete_prompt_tokens_total', 'counter', 'listener'],
    ['warmroute_build_info', 'gauge', 'version'],
    ['warmroute_event_loop_delay_max_seconds', 'gauge', ''],
    ['warmroute_event_loop_active_seconds_total', 'counter', ''],
  ];
  for (const [name, type, wantedLabels] of wanted) {
    t.equal(types.get(name), type, name);
    t.equal(labels.get(type === 'histogram' ? `${name}_count` : name), wantedLabels, `${name} labels`);
  }
  t.ok(types.has('process_resident_memory_bytes'), 'of the process');
  t.ok(types.has('nodejs_eventloop_lag_seconds'), 'of Node');
  t.match(metrics.contentType, /^text\/plain; version=0\.0\.4/);
});

/** Nothing else happens meanwhile. */
function stall(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

function seconds(metrics: Metrics, name: string): Promise<number> {
  return metrics.text().then((text) => parse(text).get(name) ?? Number.NaN);
}

test('a stall of the event loop is told to two who scrape, also one that begins right behind a scrape', async (t) => {
  const metrics = sampleMetrics();
  const delay = (): Promise<number> => seconds(metrics, 'warmroute_event_loop_delay_max_seconds');
  await delay();
  stall(1000);
  const told = [await delay(), await delay()];
  for (const each of told) t.ok(each >= 0.85 && each < 10, `${each} s`);
  t.ok((await delay()) < 0.85);
});

test('time in which the event loop has work is counted', async (t) => {
  const metrics = sampleMetrics();
  const active = (): Promise<number> => seconds(metrics, 'warmroute_event_loop_active_seconds_total');
  // Before the first turn nothing is counted.
  await setTimeout(1);
  const before = await active();
  stall(300);
  await setTimeout(1);
  const busy = await active();
  t.ok(busy - before >= 0.3, `${busy - before} s`);
  await setTimeout(500);
  t.ok((await active()) - busy < 0.4, 'waiting is not');
});

test('what would wake a sleeping router a hundred times a second is not counted', async (t) => {
  t.notMatch(await sampleMetrics().text(), /nodejs_eventloop_lag_(?!seconds)/);
});

test('a request that ended is counted once under its labels', async (t) => {
  const metrics = sampleMetrics();
  metrics.ended(sampleRecord());
  metrics.ended(sampleRecord());
  metrics.ended(sampleRecord({ outcome: 'client_gone', status: 499, timeToFirstTokenMs: undefined }));
  const series = parse(await metrics.text());
  t.equal(series.get('warmroute_requests_total{code="200",listener="prefix",model="qwen",outcome="complete",policy="prefix-cost"}'), 2);
  t.equal(series.get('warmroute_requests_total{code="499",listener="prefix",model="qwen",outcome="client_gone",policy="prefix-cost"}'), 1);
  const labels = 'listener="prefix",model="qwen",policy="prefix-cost"';
  t.equal(series.get(`warmroute_request_duration_seconds_count{${labels}}`), 3);
  t.equal(series.get(`warmroute_time_to_first_token_seconds_count{${labels}}`), 2, 'no first token came for the third');
});

test('a scrape changes nothing, and what comes after it is added', async (t) => {
  const metrics = sampleMetrics();
  metrics.ended(sampleRecord());
  const counted = async () => (await metrics.text()).split('\n').filter((line) => line.startsWith('warmroute_') && !line.startsWith('warmroute_event_loop_'));
  const first = await counted();
  t.strictSame(await counted(), first);
  metrics.ended(sampleRecord());
  const series = parse(await metrics.text());
  t.equal(series.get('warmroute_requests_total{code="200",listener="prefix",model="qwen",outcome="complete",policy="prefix-cost"}'), 2);
  t.equal(series.get('warmroute_request_duration_seconds_count{listener="prefix",model="qwen",policy="prefix-cost"}'), 2);
});

test('the buckets of times are seconds', async (t) => {
  const metrics = sampleMetrics();
  metrics.ended(sampleRecord({ timeToFirstTokenMs: 50, durationMs: 60_001, choiceDurationMs: 0.04 }));
  const series = parse(await metrics.text());
  const bucket = (name: string, le: string) => [...series].find(([key]) => key.startsWith(`${name}_bucket`) && key.includes(`le="${le}"`))?.[1];
  t.equal(bucket('warmroute_time_to_first_token_seconds', '0.025'), 0);
  t.equal(bucket('warmroute_time_to_first_token_seconds', '0.05'), 1);
  t.equal(bucket('warmroute_request_duration_seconds', '60'), 0);
  t.equal(bucket('warmroute_request_duration_seconds', '120'), 1);
  t.equal(bucket('warmroute_choice_duration_seconds', '0.000025'), 0);
  t.equal(bucket('warmroute_choice_duration_seconds', '0.00005'), 1);
});

test('models over the limit share one label, and those before it keep theirs', async (t) => {
  const metrics = sampleMetrics({ modelsMax: 2 });
  for (const model of ['a', 'b', 'c', 'd', 'a', '', 'é'.repeat(65)]) metrics.ended(sampleRecord({ model }));
  const series = parse(await metrics.text());
  const counts = Object.fromEntries(
    [...series].flatMap(([key, value]) => (key.startsWith('warmroute_requests_total') ? [[/model="([^"]*)"/.exec(key)?.[1], value]] : [])),
  );
  t.strictSame(counts, { a: 2, b: 1, other: 3, none: 1 });
});

test('100,000 model names make no more series than the limit and the label that they share', async (t) => {
  const metrics = sampleMetrics({ modelsMax: 10 });
  for (let i = 0; i < 100_000; i++) metrics.ended(sampleRecord({ model: `model-${i}` }));
  const models = new Set([...(await metrics.text()).matchAll(/model="([^"]*)"/g)].map(([, model]) => model));
  t.equal(models.size, 11);
  t.ok(models.has('other'));
});

test('a name longer than a label may be takes no place of one that fits', async (t) => {
  const metrics = sampleMetrics({ modelsMax: 1 });
  for (const model of ['x'.repeat(129), 'é'.repeat(65), 'y'.repeat(128)]) metrics.ended(sampleRecord({ model }));
  const text = await metrics.text();
  t.match(text, `model="${'y'.repeat(128)}"`);
  t.notMatch(text, /x{129}|é/);
});

test('a model cannot break out of its label', async (t) => {
  const metrics = sampleMetrics();
  metrics.ended(sampleRecord({ model: 'a"} 1\nfake_total{x="\\' }));
  t.notMatch(await metrics.text(), /^fake_total/m);
});

test('endpoints are read at the scrape, and one that is gone takes its series along', async (t) => {
  let statuses = [sampleStatus(), sampleStatus({ id: '10.0.0.12:8000', available: false, inFlight: 0 })];
  const metrics = sampleMetrics({ endpointStatuses: () => statuses });
  const first = parse(await metrics.text());
  const at = (name: string, endpoint = '10.0.0.11:8000') => first.get(`${name}{endpoint="${endpoint}",pool="default"}`);
  t.equal(at('warmroute_in_flight_requests'), 3);
  t.equal(at('warmroute_queued_prompt_tokens'), 1200);
  t.equal(at('warmroute_endpoint_available'), 1);
  t.equal(at('warmroute_endpoint_available', '10.0.0.12:8000'), 0);
  t.equal(at('warmroute_prefix_index_tokens'), 5000);
  t.equal(at('warmroute_prefix_index_capacity_tokens'), 400_000);
  t.equal(at('warmroute_prompt_tokens_total'), 900);
  t.equal(at('warmroute_predicted_cached_tokens_total'), 640);
  t.equal(at('warmroute_reported_cached_tokens_total'), 600);
  t.equal(at('warmroute_prediction_error_tokens_total'), 48);
  t.equal(at('warmroute_ejections_total'), 2);
  t.equal(at('warmroute_prefix_index_told_capacity_tokens'), 500_000);
  t.equal(at('warmroute_recent_prediction_error_ratio'), 0.0625);
  t.equal(at('warmroute_prefix_index_forgets_total'), 1);
  t.equal(at('warmroute_prefix_index_capacity_corrections_total'), 3);

  statuses = [sampleStatus({ inFlight: 1 })];
  const text = await metrics.text();
  t.notMatch(text, '10.0.0.12:8000');
  const second = parse(text);
  t.equal(second.get('warmroute_in_flight_requests{endpoint="10.0.0.11:8000",pool="default"}'), 1);
  t.equal(second.get('warmroute_ejections_total{endpoint="10.0.0.11:8000",pool="default"}'), 2, 'totals are taken over, not added up');
});

test('tokens not recomputed are the reported ones, else the predicted ones, of complete requests', async (t) => {
  const metrics = sampleMetrics();
  metrics.ended(sampleRecord());
  metrics.ended(sampleRecord({ reportedCachedTokens: undefined, reportedPromptTokens: undefined }));
  metrics.ended(sampleRecord({ outcome: 'truncated' }));
  metrics.ended(sampleRecord({ surface: 'by-load' }));
  const series = parse(await metrics.text());
  t.equal(series.get('warmroute_prompt_tokens_not_recomputed_total{listener="prefix"}'), 112 + 96);
  t.equal(series.get('warmroute_complete_prompt_tokens_total{listener="prefix"}'), 200 + 180);
});

test('only choices between endpoints for a prompt count as match ratios', async (t) => {
  const metrics = sampleMetrics();
  metrics.ended(sampleRecord());
  metrics.ended(sampleRecord({ attempts: 0, endpoint: '', pool: '', policy: '', outcome: 'error', status: 404 }));
  metrics.ended(sampleRecord({ surface: 'by-load', policy: 'least-request' }));
  const series = parse(await metrics.text());
  t.equal(series.get('warmroute_match_ratio_count{listener="prefix"}'), 1);
  t.equal(series.get('warmroute_match_ratio_bucket{le="0.5",listener="prefix"}'), 0);
  t.equal(series.get('warmroute_match_ratio_bucket{le="0.6",listener="prefix"}'), 1);
  t.equal(series.get('warmroute_choice_duration_seconds_count{policy="least-request"}'), 1);
  t.equal(series.get('warmroute_choice_duration_seconds_count{policy="none"}'), undefined);
});

test('what was shed is counted by the code of the refusal, and a sentence never becomes a label', async (t) => {
  const metrics = sampleMetrics();
  const shed = { outcome: 'shed', status: 503, attempts: 0 } as const;
  for (const reason of ['overloaded', 'overloaded', 'no_endpoint_available', 'The queue of MARKER is full.']) metrics.ended(sampleRecord({ ...shed, reason }));
  const text = await metrics.text();
  const series = parse(text);
  t.equal(series.get('warmroute_shed_total{reason="overloaded"}'), 2);
  t.equal(series.get('warmroute_shed_total{reason="no_endpoint_available"}'), 1);
  t.equal(series.get('warmroute_shed_total{reason="other"}'), 1);
  t.notMatch(text, 'MARKER');
});

test('two routers in one process count apart', async (t) => {
  const one = sampleMetrics();
  const other = sampleMetrics();
  one.retried(sampleRecord(), 'reset');
  t.match(await one.text(), 'warmroute_retries_total{reason="reset"} 1');
  t.notMatch(await other.text(), 'reason="reset"');
});

test('a capacity that nobody told has no series', async (t) => {
  const status = sampleStatus();
  const metrics = sampleMetrics({ endpointStatuses: () => [{ ...status, index: { ...status.index, toldCapacityTokens: undefined } }] });
  t.notMatch(await metrics.text(), /^warmroute_prefix_index_told_capacity_tokens\{/m);
});

test('learned bytes per token are shown for each model, up to the limit of models', async (t) => {
  const metrics = sampleMetrics({ modelsMax: 1, modelStatuses: () => [sampleModel(), sampleModel({ id: 'other-model', bytesPerToken: 2 })] });
  const series = parse(await metrics.text());
  t.equal(series.get('warmroute_bytes_per_token{model="qwen"}'), 3.6);
  t.equal([...series.keys()].filter((name) => name.startsWith('warmroute_bytes_per_token')).length, 1);
});
