// watch-endpoints.ts: discovery and monitoring of all pools, telling the estimates and the log what they find.

import type { Estimates } from './dispatch/estimates.ts';
import type { Log } from './observe/log.ts';
import { staticAddresses } from './pool/address.ts';
import { createHttpGet } from './pool/http-get.ts';
import { createMonitor } from './pool/monitor.ts';
import { Pools, type PoolEvents } from './pool/pools.ts';
import type { Rhythm } from './pool/schedule.ts';
import type { PoolSettings } from './pool/settings.ts';

export interface WatchedEndpoints {
  readonly pools: Pools;
  stop(): void;
}

/** Begins at once; the first probes are on their way when this returns. */
export function watchEndpoints(settings: readonly PoolSettings[], rhythm: Rhythm, estimates: Estimates, log: Log): WatchedEndpoints {
  const http = createHttpGet();
  const monitor = createMonitor(http.get, rhythm);
  const events: PoolEvents = {
    onJoined: (endpoint) => monitor.watch(endpoint),
    onLeft(endpoint) {
      monitor.unwatch(endpoint);
      estimates.drop(endpoint);
    },
    onHealth: (endpoint, up, why) => log.endpointHealth(endpoint.address, up, why),
    onEjected: (endpoint) => log.endpointEjected(endpoint.address, 'connection refused'),
    onRestart(endpoint) {
      estimates.forget(endpoint);
      log.endpointRestarted(endpoint.address);
    },
  };
  const pools = new Pools(settings, events, rhythm.clock, rhythm.schedule);
  for (const pool of settings) pools.apply(pool.name, 'static', staticAddresses(pool.endpoints));
  return {
    pools,
    stop() {
      monitor.stop();
      pools.stop();
      void http.close();
    },
  };
}
