// weigh-in-process.ts: loaded into the router before its own code: at SIGUSR2 it collects garbage and writes down what is left.

import { renameSync, writeFileSync } from 'node:fs';
import { queryObjects } from 'node:v8';

const file = new URL(import.meta.url).searchParams.get('file');
if (file === null) throw new Error('weigh-in-process wants ?file=');

const probe = setTimeout(() => {}, 0);
const timer = probe.constructor as new () => object;
clearTimeout(probe);

process.on('SIGUSR2', () => {
  globalThis.gc?.();
  // All that exist: those too that do not keep the process alive.
  const timers = queryObjects(timer);
  const sockets = process.getActiveResourcesInfo().filter((type) => type === 'TCPSocketWrap').length;
  writeFileSync(`${file}.next`, JSON.stringify({ heapBytes: process.memoryUsage().heapUsed, residentBytes: process.memoryUsage.rss(), timers, sockets }));
  renameSync(`${file}.next`, file);
});
