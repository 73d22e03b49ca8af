// metrics-process.ts: what prom-client counts of any process of Node, but for the delays of its event loop.

import { performance } from 'node:perf_hooks';
import { collectDefaultMetrics, Counter, Gauge, type Registry } from 'prom-client';

/** A process that sleeps between requests is woken for each look: a hundred a second, as prom-client has it, are 5 ms of processor time a second, half of what an idle router takes. */
const LOOK_MS = 100;
/** Its own looks come once in 24 days. */
const NEVER_MS = 2 ** 31 - 1;
const OF_ITS_LOOKS = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'];

export function countProcess(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: NEVER_MS });
  for (const name of OF_ITS_LOOKS) registry.removeSingleMetric(`nodejs_eventloop_lag_${name}_seconds`);
  const readLongestDelayMs = watchDelay();
  const delay = new Gauge({
    name: 'warmroute_event_loop_delay_max_seconds',
    help: 'How late a timer that is due every 0.1 s was at most since the scrape before the last one: a stall of the whole router. Of one below 0.1 s it tells a part or nothing.',
    registers: [registry],
    collect() {
      delay.set(readLongestDelayMs() / 1000);
    },
  });
  const active = new Counter({
    name: 'warmroute_event_loop_active_seconds_total',
    help: 'Time in which the event loop did not wait for work. At a rate of 1 the router has more than it can do.',
    registers: [registry],
    collect() {
      active.reset();
      active.inc(performance.eventLoopUtilization().active / 1000);
    },
  });
}

/** Tells the longest delay since it was asked the time before last, so that two who ask by turns both hear of it. */
function watchDelay(): () => number {
  let dueMs = performance.now() + LOOK_MS;
  let longestMs = 0;
  let longestBeforeMs = 0;
  const note = (): void => {
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - dueMs);
    dueMs = Math.max(dueMs, nowMs);
  };
  setInterval(() => {
    note();
    dueMs = performance.now() + LOOK_MS;
  }, LOOK_MS).unref();
  return () => {
    note();
    const toldMs = Math.max(longestMs, longestBeforeMs);
    longestBeforeMs = longestMs;
    longestMs = 0;
    return toldMs;
  };
}
