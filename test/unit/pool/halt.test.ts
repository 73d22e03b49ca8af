// halt.test.ts: an engine that sleeps or is paused, as its metrics tell it.

import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { unavailableBecause } from '../../../src/pool/availability.ts';
import { readLoadSample } from '../../../src/pool/load-sample.ts';
import { oneEndpoint } from './fixture.ts';

const capture = readFileSync(new URL('../../captures/metrics.response', import.meta.url), 'utf8');
const captured = capture.slice(capture.indexOf('\r\n\r\n') + 4);

function setUp() {
  const { endpoint, seen } = oneEndpoint();
  endpoint.noteProbeSucceeded(0);
  seen.length = 0;
  const because = (text: string, atMs: number): string | undefined => {
    endpoint.noteSample(readLoadSample(text, atMs));
    return unavailableBecause(endpoint, undefined, atMs);
  };
  return { endpoint, seen, because };
}

const queue = (waiting: number, running: number, steps: number): string =>
  `vllm:num_requests_waiting{engine="0"} ${waiting}\nvllm:num_requests_running{engine="0"} ${running}\nvllm:iteration_tokens_total_count{engine="0"} ${steps}\n`;

test('an engine that is not awake gets no request, and is told of once', async (t) => {
  const { because, seen } = setUp();
  const asleep = captured.replace('sleep_state="awake"} 1.0', 'sleep_state="awake"} 0.0').replace('sleep_state="weights_offloaded"} 0.0', 'sleep_state="weights_offloaded"} 1.0');
  t.not(asleep, captured);
  t.equal(because(captured, 0), undefined);
  t.equal(because(asleep, 1000), 'asleep');
  t.equal(because(asleep, 2000), 'asleep');
  t.equal(because(captured, 3000), undefined);
  t.same(seen, ['asleep a:8000', 'works a:8000']);
});

test('one of several engines asleep is asleep, and an engine that does not say is awake', async (t) => {
  const awake = (...values: number[]): boolean | undefined => readLoadSample(values.map((value, i) => `vllm:engine_sleep_state{engine="${i}",sleep_state="awake"} ${value}\n`).join(''), 0).asleep;
  t.equal(awake(1, 0), true);
  t.equal(awake(0, 1), true);
  t.equal(awake(1, 1), false);
  t.equal(awake(), undefined);
});

test('requests that wait while none runs and no step is taken, for 5 s, are a pause', async (t) => {
  const { because, seen } = setUp();
  for (const [atMs, text, expected] of [
    [0, queue(1, 0, 7), undefined],
    [2500, queue(2, 0, 7), undefined],
    [4999, queue(2, 0, 7), undefined],
    [5000, queue(2, 0, 7), 'paused'],
    [6000, queue(2, 0, 8), undefined],
    [12_000, queue(2, 0, 8), undefined],
    [13_000, queue(2, 0, 8), 'paused'],
    [14_000, queue(1, 1, 9), undefined],
    [20_000, queue(1, 1, 9), undefined],
    [30_000, queue(0, 0, 9), undefined],
    [40_000, queue(0, 0, 9), undefined],
  ] as const) {
    t.equal(because(text, atMs), expected, `at ${atMs} ms`);
  }
  t.same(seen, ['paused a:8000', 'works a:8000', 'paused a:8000', 'works a:8000']);
});

test('an engine that does not count its steps is never paused', async (t) => {
  const { because } = setUp();
  for (let atMs = 0; atMs <= 20_000; atMs += 1000) t.equal(because('vllm:num_requests_waiting 3\nvllm:num_requests_running 0\n', atMs), undefined);
});

test('what listens there after a refused connection is not asleep because the old process was', async (t) => {
  const { endpoint, because } = setUp();
  because('vllm:engine_sleep_state{sleep_state="awake"} 0\n', 0);
  endpoint.noteUnreachable();
  endpoint.noteProbeSucceeded(1000);
  t.equal(unavailableBecause(endpoint, undefined, 1000), undefined);
});
