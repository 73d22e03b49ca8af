// router-process.ts: the router under load, in a process that tells how long its event loop kept work waiting.
//
// node router-process.ts ENDPOINT: sends the address of its listener when it is ready, and for each message from its parent the 99th percentile of the delays since the last, in milliseconds.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { startRouter } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';

const LOOK_MS = 10;
const NS_PER_MS = 1e6;

const text = JSON.stringify({
  listeners: [{ name: 'clients', host: '127.0.0.1', port: 0, policy: 'prefix-cost' }],
  admin: { port: 0 },
  pools: [{ endpoints: process.argv.slice(2) }],
  shutdown: { settle_ms: 0, deadline_ms: 500 },
});
const loaded = loadConfig({ path: 'bench', env: {}, readFile: () => text });
if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.problems));
const router = await startRouter({ config: loaded.config, version: 'bench' });
await router.ready();

const delay = monitorEventLoopDelay({ resolution: LOOK_MS });
delay.enable();
process.on('message', () => {
  process.send?.(delay.percentile(99) / NS_PER_MS);
  delay.reset();
});
process.once('disconnect', () => process.exit());
process.send?.(router.urls['clients']);
