// load-sample.test.ts: reading an engine's metrics, from a real server and from none.

import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { test } from 'tap';
import { readLoadSample } from '../../../src/pool/load-sample.ts';
import { scanMetrics } from '../../../src/pool/metrics-text.ts';

const capture = readFileSync(new URL('../../captures/metrics.response', import.meta.url), 'utf8');
const captured = capture.slice(capture.indexOf('\r\n\r\n') + 4);

function scanned(text: string, ...wanted: string[]) {
  const seen: [string, Record<string, string>, number][] = [];
  scanMetrics(text, new Set(wanted), (name, labels, value) => seen.push([name, Object.fromEntries(labels), value]));
  return seen;
}

function capacity(blocks: string, tokens: string) {
  return readLoadSample(`vllm:cache_config_info{block_size="16",num_gpu_blocks="${blocks}",kv_cache_size_tokens="${tokens}"} 1.0`, 0).capacityTokens;
}

test('the metrics of a real server give every field', async (t) => {
  t.same(readLoadSample(captured, 7), {
    atMs: 7,
    running: 0,
    waiting: 0,
    kvUsage: 0,
    blockSize: 32,
    capacityTokens: 2047 * 32,
    prefixCaching: true,
    prefixQueriesTotal: 402,
    prefixHitsTotal: 192,
    asleep: false,
    stepsTotal: 16,
    processStartS: 1_795_352_642.84,
  });
});

test('engines behind one address are added up, their usage is a mean', async (t) => {
  const text = `vllm:num_requests_running{engine="0"} 3
vllm:num_requests_running{engine="1"} 4
vllm:num_requests_waiting{engine="0"} 1
vllm:num_requests_waiting{engine="1"} 0
vllm:kv_cache_usage_perc{engine="0"} 0.2
vllm:kv_cache_usage_perc{engine="1"} 0.4
vllm:prefix_cache_queries{engine="0"} 10
vllm:prefix_cache_queries{engine="1"} 20
`;
  const one = 'vllm:cache_config_info{block_size="16",engine="0",num_gpu_blocks="101"} 1\n';
  const other = 'vllm:cache_config_info{block_size="16",engine="1",num_gpu_blocks="101"} 1\n';
  t.match(readLoadSample(text + one + other, 0), { running: 7, waiting: 1, prefixQueriesTotal: 30, capacityTokens: 3200 });
  t.equal(readLoadSample(text + one, 0).capacityTokens, 3200, 'one engine speaks for all');
  t.equal(readLoadSample(text, 0).kvUsage?.toFixed(6), '0.300000');
});

test('counters with and without _total are the same counter', async (t) => {
  const text = 'vllm:prefix_cache_hits{engine="0"} 5\nvllm:prefix_cache_queries_total 9\nvllm:prefix_cache_queries 9\n';
  t.match(readLoadSample(text, 0), { prefixHitsTotal: 5, prefixQueriesTotal: 9 });
});

test('the size in tokens counts where the number of blocks is not known', async (t) => {
  t.equal(capacity('11', '9999'), 160);
  t.equal(capacity('None', '9999'), 9999);
  t.equal(capacity('0', 'None'), undefined);
});

test('prefix caching is on, switched off, or not known', async (t) => {
  const read = (value: string) => readLoadSample(`vllm:cache_config_info{enable_prefix_caching="${value}"} 1.0`, 0).prefixCaching;
  t.same(['True', 'False', 'None'].map(read), [true, false, undefined]);
});

test('what is absent or no number is undefined, not 0', async (t) => {
  const absent = { atMs: 0, running: undefined, waiting: undefined, kvUsage: undefined, blockSize: undefined, capacityTokens: undefined };
  t.match(readLoadSample('', 0), absent);
  t.match(readLoadSample('<html>not metrics</html>', 0), absent);
  t.match(readLoadSample('vllm:num_requests_running NaN\nvllm:num_requests_waiting +Inf\nvllm:kv_cache_usage_perc', 0), absent);
});

test('labels may hold braces, quotes, commas and line breaks', async (t) => {
  t.same(scanned('m{a="x\\"}{,=\\\\",b = "l1\\nl2",} 2 1700000000\n', 'm'), [['m', { a: 'x"}{,=\\', b: 'l1\nl2' }, 2]]);
});

test('comments, exemplars, timestamps, tabs and carriage returns do not get in the way', async (t) => {
  const text = '# TYPE m counter\r\nm 1 1700000000 # {trace="x"} 0.5\r\nm\t2\r\nmm 9\nm{} 3\n\n# EOF';
  t.same(scanned(text, 'm').map(([, , value]) => value), [1, 2, 3]);
});

test('a broken line costs only itself', async (t) => {
  for (const broken of ['m{a="x 1', 'm{a=x} 1', 'm{a} 1', 'm{', 'm', 'm one', 'm{a="x"}', 'm{a="x\\']) t.same(scanned(`${broken}\nm 5`, 'm'), [['m', {}, 5]], broken);
});

test('no text makes the scanner throw', async () => {
  const piece = fc.constantFrom('vllm:num_requests_running', '{', '}', '"', '\\', '=', ',', ' ', '\n', 'engine', '1', 'NaN', '# ', 'é');
  const text = fc.oneof(fc.string(), fc.string({ unit: piece, maxLength: 60 }));
  fc.assert(
    fc.property(text, (noise) => {
      readLoadSample(noise, 0);
      return readLoadSample(`${noise}\nvllm:num_requests_waiting 12\n`, 0).waiting !== undefined;
    }),
  );
});
