// monitor.test.ts: what probes, scrapes and model lists do to an endpoint, minute by minute.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'tap';
import { seededRandom } from '../../../src/core/random.ts';
import { Endpoint } from '../../../src/pool/endpoint.ts';
import { createHttpGet, type GetResult } from '../../../src/pool/http-get.ts';
import { createMonitor } from '../../../src/pool/monitor.ts';
import { timers } from '../../../src/pool/schedule.ts';
import { oneEndpoint, poolSettings, recordedEvents, virtualTime } from './fixture.ts';
import { answer, count, REFUSED, watchedEndpoint } from './watched-endpoint.ts';

const serve = () => createServer((request, response) => void response.end(request.url === '/v1/models' ? '{"data":[{"id":"m"}]}' : ''));

test('the first probe goes at once, and the endpoint comes up with its models and load known', async (t) => {
  const { time, endpoint, seen, asked } = watchedEndpoint();
  await time.advanceSettled(0);
  t.same(asked, ['0 /health', '0 /metrics', '0 /v1/models']);
  t.same(seen, ['up a:8000: probe succeeded']);
  t.ok(endpoint.serves('m'));
  t.match(endpoint.samples, [{ running: 2 }]);
});

test('probes and scrapes keep to their intervals, and the models are read every 10 s', async (t) => {
  const { time, asked } = watchedEndpoint();
  await time.advanceSettled(60_000);
  t.equal(count(asked, '/health'), 31);
  t.equal(count(asked, '/metrics'), 61);
  t.equal(count(asked, '/v1/models'), 7);
});

test('another address, path or interval holds from the next round on', async (t) => {
  const { time, endpoint, asked, keys } = watchedEndpoint();
  await time.advanceSettled(2000);
  const before = asked.length;
  const settings = poolSettings('q', { probe: { path: '/live', intervalMs: 500, timeoutMs: 7, unhealthyAfter: 2 }, scrape: { path: '/numbers', intervalMs: 5000 } });
  endpoint.reconfigure({ address: { ...endpoint.address, origin: 'https://a:8000', apiKey: 'k' }, settings, kvCacheTokens: undefined });
  await time.advanceSettled(3000);
  const after = asked.slice(before).map((each) => each.split(' ')[1]);
  t.same(new Set(after), new Set(['/live', '/numbers']));
  t.equal(after.filter((path) => path === '/live').length, 3, 'after the interval of before, each half second');
  t.same(new Set(keys.slice(before)), new Set(['https://a:8000 k 7']));
});

test('probes come over new connections, and so does what is read before an endpoint is up; what is read later, over kept ones', async (t) => {
  const { time, connections } = watchedEndpoint();
  await time.advanceSettled(0);
  t.same(connections, ['new /health', 'new /metrics', 'new /v1/models']);
  connections.length = 0;
  await time.advanceSettled(20_000);
  t.same(new Set(connections), new Set(['new /health', 'kept /metrics', 'kept /v1/models']));
});

test('as many failed probes in a row as configured take it down, one success brings it back', async (t) => {
  const { time, endpoint, seen, answers } = watchedEndpoint();
  await time.advanceSettled(0);
  answers.set('/health', answer('', 503));
  await time.advanceSettled(2000);
  t.equal(endpoint.health, 'healthy');
  await time.advanceSettled(2000);
  t.equal(endpoint.health, 'unhealthy');
  answers.set('/health', answer(''));
  await time.advanceSettled(2000);
  t.same(seen, ['up a:8000: probe succeeded', 'down a:8000: status 503', 'up a:8000: probe succeeded']);
});

test('a refused probe ejects at once', async (t) => {
  const { time, endpoint, seen, answers } = watchedEndpoint();
  await time.advanceSettled(0);
  answers.set('/health', REFUSED);
  await time.advanceSettled(2000);
  t.equal(endpoint.ejectedUntilProbe, true);
  await time.advanceSettled(2000);
  t.same(seen.slice(1), ['ejected a:8000: connection refused', 'restart a:8000', 'down a:8000: connection refused']);
});

test('failed scrapes and lists leave the endpoint healthy and what it knew in place', async (t) => {
  const { time, endpoint, answers } = watchedEndpoint();
  await time.advanceSettled(0);
  answers.set('/metrics', { kind: 'failed', why: 'x' }).set('/v1/models', answer('Bad Gateway', 502));
  await time.advanceSettled(60_000);
  t.equal(endpoint.health, 'healthy');
  t.ok(endpoint.serves('m'));
  t.equal(endpoint.samples.length, 1);
});

test('an endpoint without a list of models comes up, and is asked at each probe until it has one', async (t) => {
  const time = virtualTime();
  const { endpoint } = oneEndpoint();
  let models = answer('', 503);
  const monitor = createMonitor(async ({ path }) => (path === '/v1/models' ? models : answer('')), time);
  monitor.watch(endpoint);
  await time.advanceSettled(0);
  t.equal(endpoint.health, 'healthy');
  t.equal(endpoint.models, undefined);
  models = answer('{"data":[{"id":"m"},{"id":"lora","parent":"m"}]}');
  await time.advanceSettled(2000);
  t.same(endpoint.models, [{ id: 'm', parent: undefined }, { id: 'lora', parent: 'm' }]);
  models = answer('{"data":[{"id":"m"}]}');
  await time.advanceSettled(10_000);
  t.notOk(endpoint.serves('lora'), 'an adapter that was unloaded');
});

test('a restart that no request noticed is known before the endpoint comes up again', async (t) => {
  const { time, seen, answers } = watchedEndpoint();
  await time.advanceSettled(0);
  answers.set('/health', { kind: 'failed', why: 'no answer within 1000 ms' });
  await time.advanceSettled(4000);
  answers.set('/health', answer('')).set('/metrics', answer('process_start_time_seconds 2\n'));
  await time.advanceSettled(2000);
  t.same(seen.slice(1), ['down a:8000: no answer within 1000 ms', 'restart a:8000', 'up a:8000: probe succeeded']);
});

test('a probe that was under way while a request was refused does not bring the endpoint back', async (t) => {
  const time = virtualTime();
  const { endpoint } = oneEndpoint();
  const pending: ((result: GetResult) => void)[] = [];
  const monitor = createMonitor(({ path }) => (path === '/health' ? new Promise((resolve) => pending.push(resolve)) : Promise.resolve(answer(''))), time);
  monitor.watch(endpoint);
  await time.advanceSettled(0);
  pending.shift()?.(answer(''));
  await time.advanceSettled(2000);
  endpoint.noteUnreachable();
  pending.shift()?.(answer(''));
  await time.advanceSettled(2000);
  t.equal(endpoint.ejectedUntilProbe, true);
  pending.shift()?.(answer(''));
  await time.advanceSettled(0);
  t.equal(endpoint.ejectedUntilProbe, false);
});

test('a slow endpoint never has two probes at once', async (t) => {
  const time = virtualTime();
  const { endpoint } = oneEndpoint();
  let waiting = 0;
  const monitor = createMonitor(() => new Promise(() => (waiting += 1)), time);
  monitor.watch(endpoint);
  await time.advanceSettled(60_000);
  t.equal(waiting, 1);
});

test('nothing happens after the end, not even by an answer that was under way', async (t) => {
  const time = virtualTime();
  const { endpoint, seen } = oneEndpoint();
  const pending: ((result: GetResult) => void)[] = [];
  const monitor = createMonitor(() => new Promise((resolve) => pending.push(resolve)), time);
  monitor.watch(endpoint);
  await time.advanceSettled(0);
  monitor.unwatch(endpoint);
  pending[0]?.(answer(''));
  await time.advanceSettled(60_000);
  t.same(seen, []);
  t.equal(time.pending(), 0);
});

test('what an endpoint says after it is no longer watched is not listened to', async (t) => {
  const time = virtualTime();
  const { endpoint, seen } = oneEndpoint();
  const pending: ((result: GetResult) => void)[] = [];
  const monitor = createMonitor(({ path }) => (path === '/health' ? Promise.resolve(answer('')) : new Promise((resolve) => pending.push(resolve))), time);
  monitor.watch(endpoint);
  await time.advanceSettled(0);
  t.equal(pending.length, 2, 'it is coming up: its load and its models are asked for');
  monitor.unwatch(endpoint);
  for (const give of pending) give(answer('{"data":[]}'));
  await time.advanceSettled(0);
  t.same(seen, []);
  t.same(endpoint.samples, []);
  t.equal(endpoint.models, undefined);
  t.equal(endpoint.health, 'unknown');
});

test('a scrape that is still under way when the endpoint comes up is not doubled', async (t) => {
  const time = virtualTime();
  const { endpoint } = oneEndpoint();
  let health = answer('');
  let scrapes = 0;
  let scrapeHangs = false;
  const monitor = createMonitor(({ path }) => {
    if (path !== '/metrics') return Promise.resolve(path === '/health' ? health : answer('{"data":[]}'));
    scrapes += 1;
    return scrapeHangs ? new Promise(() => {}) : Promise.resolve(answer(''));
  }, time);
  monitor.watch(endpoint);
  await time.advanceSettled(0);
  scrapeHangs = true;
  await time.advanceSettled(1000);
  t.equal(scrapes, 2);
  health = REFUSED;
  await time.advanceSettled(1000);
  t.equal(endpoint.ejectedUntilProbe, true);
  health = answer('');
  await time.advanceSettled(10_000);
  t.equal(scrapes, 2);
});

test('stopping ends all that is watched', async (t) => {
  const { time, asked, monitor } = watchedEndpoint();
  await time.advanceSettled(0);
  monitor.stop();
  const before = asked.length;
  await time.advanceSettled(60_000);
  t.equal(asked.length, before);
  t.equal(time.pending(), 0);
});

test('a server that goes away and comes back on the same port is ejected and taken again', async (t) => {
  // Timers of the monitor keep no process alive: while nothing listens on the port, this does.
  const other = createServer().listen(0, '127.0.0.1');
  t.teardown(() => other.close());
  const first = serve().listen(0, '127.0.0.1');
  await once(first, 'listening');
  const { port } = first.address() as AddressInfo;
  const id = `127.0.0.1:${port}`;
  const events = recordedEvents();
  const changed = new EventTarget();
  const next = (name: string): Promise<unknown> => new Promise((resolve) => changed.addEventListener(name, resolve, { once: true }));
  const endpoint = new Endpoint({
    address: { id, pool: 'p', origin: `http://${id}`, apiKey: undefined },
    settings: poolSettings('p', { probe: { path: '/health', intervalMs: 10, timeoutMs: 2000, unhealthyAfter: 2 } }),
    kvCacheTokens: undefined,
    events: {
      ...events,
      onHealth: (_, up) => void changed.dispatchEvent(new Event(up ? 'up' : 'down')),
      onEjected: () => void changed.dispatchEvent(new Event('ejected')),
    },
    peers: { settled: () => false, heardSince: () => false },
  });
  const { get, close } = createHttpGet();
  const monitor = createMonitor(get, { clock: () => performance.now(), random: seededRandom(1), schedule: timers });
  t.teardown(async () => {
    monitor.stop();
    await close();
  });
  const up = next('up');
  monitor.watch(endpoint);
  await up;
  t.ok(endpoint.serves('m'));
  const ejected = next('ejected');
  first.close();
  await ejected;
  const back = next('up');
  const second = serve().listen(port, '127.0.0.1');
  t.teardown(() => second.close());
  await back;
  t.same(events.seen, [`restart ${id}`]);
});
