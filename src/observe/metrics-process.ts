// metrics-process.ts: what prom-client counts of any process of Node, but for the delays of its event loop.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';

/** A process that sleeps between requests is woken for each look: a hundred a second, as prom-client has it, are 5 ms of processor time a second, half of what an idle router takes. */
const LOOK_MS = 100;
/** Its own looks come once in 24 days. */
const NEVER_MS = 2 ** 31 - 1;
const OF_ITS_LOOKS = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'];

export function countProcess(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: NEVER_MS });
  for (const name of OF_ITS_LOOKS) registry.removeSingleMetric(`nodejs_eventloop_lag_${name}_seconds`);
  const delay = monitorEventLoopDelay({ resolution: LOOK_MS });
  delay.enable();
  const longest = new Gauge({
    name: 'warmroute_event_loop_delay_max_seconds',
    help: 'Longest time that work of the router, looked at ten times a second, has waited for other work of it since the last scrape.',
    registers: [registry],
    collect() {
      // What is kept is the time from look to look. Before the second one there is nothing.
      longest.set(delay.count === 0 ? 0 : Math.max(0, delay.max / 1e9 - LOOK_MS / 1000));
      delay.reset();
    },
  });
}
