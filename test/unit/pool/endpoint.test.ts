// endpoint.test.ts: health, ejection, restarts and availability of one endpoint.

import { test } from 'tap';
import { unavailableBecause } from '../../../src/pool/availability.ts';
import { takeLease } from '../../../src/pool/lease.ts';
import type { LoadSample } from '../../../src/pool/load-sample.ts';
import { oneEndpoint } from './fixture.ts';

const SAMPLE: LoadSample = {
  atMs: 0,
  running: 0,
  waiting: 0,
  kvUsage: 0,
  blockSize: 16,
  capacityTokens: 1000,
  prefixCaching: true,
  prefixQueriesTotal: 100,
  prefixHitsTotal: 50,
  asleep: false,
  stepsTotal: 10,
  processStartS: 1_795_352_642.84,
};

test('an endpoint is unavailable until its first probe succeeds', async (t) => {
  const { endpoint, seen } = oneEndpoint();
  t.equal(unavailableBecause(endpoint, undefined, 0), 'unhealthy');
  endpoint.noteProbeSucceeded(0);
  t.equal(unavailableBecause(endpoint, undefined, 0), undefined);
  t.same(seen, ['up a:8000: probe succeeded']);
});

test('the first probe decides at once, later ones only in a row', async (t) => {
  const { endpoint, seen } = oneEndpoint();
  endpoint.noteProbeFailed('status 503', 0);
  t.equal(endpoint.health, 'unhealthy');
  endpoint.noteProbeSucceeded(0);
  endpoint.noteProbeFailed('status 503', 0);
  endpoint.noteProbeSucceeded(1);
  endpoint.noteProbeFailed('status 503', 0);
  t.equal(endpoint.health, 'healthy');
  endpoint.noteProbeFailed('no answer', 0);
  endpoint.noteProbeFailed('no answer', 0);
  t.equal(endpoint.health, 'unhealthy');
  t.same(seen, ['down a:8000: status 503', 'up a:8000: probe succeeded', 'down a:8000: no answer']);
});

test('a refused connection ejects once, and the next successful probe brings it back', async (t) => {
  const { endpoint, seen } = oneEndpoint();
  endpoint.noteProbeSucceeded(0);
  endpoint.noteUnreachable();
  endpoint.noteUnreachable();
  t.equal(unavailableBecause(endpoint, undefined, 0), 'ejected');
  t.equal(endpoint.ejections, 1);
  endpoint.noteProbeSucceeded(1);
  t.equal(unavailableBecause(endpoint, undefined, 0), undefined);
  t.same(seen, ['up a:8000: probe succeeded', 'ejected a:8000: connection refused', 'restart a:8000', 'up a:8000: probe succeeded']);
});

test('a refused connection to an unhealthy endpoint is a restart and no ejection', async (t) => {
  const { endpoint, seen } = oneEndpoint();
  endpoint.noteProbeFailed('no answer', 0);
  endpoint.noteUnreachable();
  t.equal(endpoint.ejections, 0);
  t.same(seen, ['down a:8000: no answer', 'restart a:8000']);
});

test('a moved process start or a counter that fell is a restart, and growth is not', async (t) => {
  for (const [next, restarts] of [
    [{ prefixQueriesTotal: 101, prefixHitsTotal: 50 }, 0],
    [{ processStartS: undefined }, 0],
    [{ processStartS: 1_795_352_999 }, 1],
    [{ processStartS: undefined, prefixQueriesTotal: 99 }, 1],
    [{ prefixHitsTotal: 0 }, 1],
  ] as const) {
    const { endpoint, seen } = oneEndpoint();
    endpoint.noteSample(SAMPLE);
    endpoint.noteSample({ ...SAMPLE, ...next });
    t.equal(seen.length, restarts, JSON.stringify(next));
    t.equal(endpoint.samples.length, 2 - restarts, 'samples of the old process are dropped');
  }
});

test('a refused connection and the moved process start behind it are one restart', async (t) => {
  const { endpoint, seen } = oneEndpoint();
  endpoint.noteProbeSucceeded(0);
  endpoint.noteSample(SAMPLE);
  endpoint.noteUnreachable();
  endpoint.noteProbeSucceeded(1);
  endpoint.noteSample({ ...SAMPLE, processStartS: 1_795_352_999 });
  t.equal(seen.filter((event) => event.startsWith('restart')).length, 1);
});

test('each sample is told of once it is the newest, after the restart that it shows', async (t) => {
  const { endpoint, seen, sampled } = oneEndpoint();
  endpoint.noteSample(SAMPLE);
  endpoint.noteSample({ ...SAMPLE, atMs: 1000 });
  endpoint.noteSample({ ...SAMPLE, atMs: 2000, processStartS: 1 });
  t.same(sampled, [1, 2, 1]);
  t.same(seen, ['restart a:8000']);
});

test('the last three samples are kept, newest last', async (t) => {
  const { endpoint } = oneEndpoint();
  for (const atMs of [1, 2, 3, 4, 5]) endpoint.noteSample({ ...SAMPLE, atMs });
  t.same(endpoint.samples.map((sample) => sample.atMs), [3, 4, 5]);
});

test('a model is served by its name, adapters too, and any endpoint will do without one', async (t) => {
  const { endpoint } = oneEndpoint();
  endpoint.noteProbeSucceeded(0);
  t.equal(unavailableBecause(endpoint, 'base', 0), 'model', 'it has not reported yet');
  endpoint.noteModels([{ id: 'base', parent: undefined }, { id: 'adapter', parent: 'base' }]);
  t.equal(unavailableBecause(endpoint, 'base', 0), undefined);
  t.equal(unavailableBecause(endpoint, 'adapter', 0), undefined);
  t.equal(unavailableBecause(endpoint, 'else', 0), 'model');
  t.equal(unavailableBecause(endpoint, undefined, 0), undefined);
});

test('an endpoint is full at its limit and not below it', async (t) => {
  const { endpoint } = oneEndpoint({ inFlightMax: 4 });
  endpoint.noteProbeSucceeded(0);
  takeLease(endpoint, 3);
  t.equal(unavailableBecause(endpoint, undefined, 0), undefined);
  const lease = takeLease(endpoint, 1);
  t.equal(unavailableBecause(endpoint, undefined, 0), 'full');
  lease.return();
  t.equal(unavailableBecause(endpoint, undefined, 0), undefined);
});

test('coming back beside a settled peer starts slowly again, and 0 ms is at once', async (t) => {
  const { endpoint } = oneEndpoint({ slowStartMs: 1000 }, true);
  endpoint.noteProbeSucceeded(0);
  t.equal(endpoint.share(2000), 1);
  endpoint.noteUnreachable();
  endpoint.noteProbeSucceeded(5000);
  t.equal(endpoint.share(5000), 0.1);
  endpoint.noteProbeSucceeded(5500);
  t.equal(endpoint.share(6000), 1, 'a probe on the way does not start it over');
  const { endpoint: atOnce } = oneEndpoint({ slowStartMs: 0 }, true);
  atOnce.noteProbeSucceeded(0);
  t.equal(atOnce.share(0), 1);
});
