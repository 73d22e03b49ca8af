// standing.test.ts: endpoints of which nothing is to be expected: gone, or up and stuck.

import { test } from 'tap';
import type { LoadSample } from '../../../src/pool/load-sample.ts';
import { oneEndpoint } from './fixture.ts';

const SAMPLE: LoadSample = { atMs: 0, running: 0, waiting: 0, kvUsage: 0, blockSize: 16, capacityTokens: 1, prefixCaching: true, prefixQueriesTotal: 0, prefixHitsTotal: 0, asleep: false, stepsTotal: 0, processStartS: 1 };

function setUp() {
  const { endpoint, peers } = oneEndpoint();
  endpoint.noteProbeSucceeded(0);
  endpoint.noteSample(SAMPLE);
  return { endpoint, peers };
}

test('an endpoint is gone when nothing listens there, until a probe succeeds', async (t) => {
  const { endpoint } = setUp();
  endpoint.noteUnreachable();
  t.equal(endpoint.standing(), 'gone');
  endpoint.noteProbeSucceeded(1000);
  t.equal(endpoint.standing(), 'up');
});

test('probes or scrapes that fail, no byte since, and bytes from another: that is stuck', async (t) => {
  for (const question of ['probe', 'scrape'] as const) {
    const { endpoint, peers } = setUp();
    const fail = (nowMs: number): void => (question === 'probe' ? endpoint.noteProbeFailed('no answer', nowMs) : endpoint.noteScrapeFailed(nowMs));
    fail(1000);
    peers.heardMs = 2000;
    t.equal(endpoint.standing(), 'up', 'one failure is none');
    fail(3000);
    t.equal(endpoint.standing(), 'stuck');
    peers.heardMs = 999;
    t.equal(endpoint.standing(), 'up', 'nobody else gave anything since: perhaps it is us');
    peers.heardMs = 3000;
    if (question === 'probe') endpoint.noteProbeSucceeded(4000);
    else endpoint.noteSample({ ...SAMPLE, atMs: 4000 });
    t.equal(endpoint.standing(), 'up');
  }
});

test('a byte shows that it is not stuck, and what fails after that counts anew', async (t) => {
  for (const hear of ['noteHeard', 'noteAnswered'] as const) {
    const { endpoint, peers } = setUp();
    peers.heardMs = 10_000;
    for (const nowMs of [1000, 2000]) endpoint.noteScrapeFailed(nowMs);
    t.equal(endpoint.standing(), 'stuck');
    if (hear === 'noteHeard') endpoint.noteHeard(2500);
    else endpoint.noteAnswered(0, 2500);
    t.equal(endpoint.standing(), 'up');
    t.equal(endpoint.heardSince(2500), true);
    t.equal(endpoint.heardSince(2501), false);
    endpoint.noteScrapeFailed(3000);
    t.equal(endpoint.standing(), 'up');
    endpoint.noteScrapeFailed(4000);
    t.equal(endpoint.standing(), 'stuck');
  }
});

test('an endpoint without metrics is not stuck for that', async (t) => {
  const { endpoint, peers } = oneEndpoint();
  endpoint.noteProbeSucceeded(0);
  for (let nowMs = 0; nowMs < 10_000; nowMs += 1000) endpoint.noteScrapeFailed(nowMs);
  peers.heardMs = 10_000;
  t.equal(endpoint.standing(), 'up');
});

test('who comes up again is not stuck by what failed before', async (t) => {
  const { endpoint, peers } = setUp();
  for (const nowMs of [1000, 2000]) endpoint.noteScrapeFailed(nowMs);
  for (const nowMs of [1000, 2000]) endpoint.noteProbeFailed('no answer', nowMs);
  endpoint.noteProbeSucceeded(3000);
  peers.heardMs = 3000;
  t.equal(endpoint.standing(), 'up');
});
