// monitor-down.test.ts: how endpoints that are down or do not react are watched.

import { test } from 'tap';
import { answer, count, REFUSED, watchedEndpoint } from './watched-endpoint.ts';

test('while an endpoint is down it is probed every 500 ms, or as often as configured when that is more', async (t) => {
  for (const [intervalMs, down, up] of [[2000, 20, 5], [100, 100, 100]] as const) {
    const { time, asked, answers } = watchedEndpoint({ probe: { path: '/health', intervalMs, timeoutMs: 1000, unhealthyAfter: 1 } });
    answers.set('/health', REFUSED);
    await time.advanceSettled(intervalMs / 2);
    asked.length = 0;
    await time.advanceSettled(10_000);
    t.equal(count(asked, '/health'), down);
    answers.set('/health', answer(''));
    await time.advanceSettled(500);
    asked.length = 0;
    await time.advanceSettled(10_000);
    t.equal(count(asked, '/health'), up);
  }
});

test('an endpoint whose connection a request found refused is up again within 1 s of its return, wherever its probes were', async (t) => {
  const { time, endpoint, asked, monitor } = watchedEndpoint();
  await time.advanceSettled(2100);
  asked.length = 0;
  endpoint.noteUnreachable();
  monitor.hurry(endpoint);
  await time.advanceSettled(500);
  t.equal(count(asked, '/health'), 1);
  t.equal(endpoint.health, 'healthy');
  t.equal(endpoint.ejectedUntilProbe, false);
});

test('scrapes and probes that get no answer make it stuck beside others that give bytes; an answer that is an error does not', async (t) => {
  for (const [path, failure, standing] of [
    ['/metrics', { kind: 'failed', why: 'no answer within 1000 ms' }, 'stuck'],
    ['/metrics', answer('', 500), 'up'],
    ['/health', { kind: 'failed', why: 'no answer within 1000 ms' }, 'stuck'],
    ['/health', answer('', 503), 'stuck'],
    ['/health', REFUSED, 'gone'],
  ] as const) {
    const { time, endpoint, peers, answers } = watchedEndpoint();
    await time.advanceSettled(0);
    answers.set(path, failure);
    peers.heardMs = 60_000;
    await time.advanceSettled(6000);
    t.equal(endpoint.standing(), standing, `${path} ${failure.kind}`);
    answers.set(path, answer(''));
    await time.advanceSettled(2000);
    t.equal(endpoint.standing(), 'up');
  }
});
