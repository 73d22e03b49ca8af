#!/usr/bin/env node
// main.ts: the process. It listens for signals before it loads anything: the first process of a container is deaf to those it does not
// listen for, and loading is most of the start.

import { setFlagsFromString } from 'node:v8';

// What a request leaves for its log line lives for a tenth of a second, which V8 takes for long: it comes to make such things in the old generation at
// once, half a kilobyte a request, and to collect that every 9,000 requests instead of every 28,000 and more (`--trace-gc`).
setFlagsFromString('--no-allocation-site-pretenuring');

const stop = new AbortController();
const cutOff = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => (stop.signal.aborted ? cutOff : stop).abort());
// What comes before anything can be read again is not kept: what is read first is new enough.
let reload = (): void => {};
// Left to Node, it opens a debugger that lets anybody in who reaches its port.
process.on('SIGUSR1', () => {});
process.on('SIGHUP', () => reload());

const { run } = await import('./cli/run.ts');
process.exitCode = await run(process.argv.slice(2), { stop: stop.signal, cutOff: cutOff.signal, onReload: (again) => (reload = again) });
