// process-cost.ts: what a process has used so far, as Linux counts it.

import { readdirSync, readFileSync } from 'node:fs';

/** Processor time of all threads so far, in microseconds. */
export function cpuTimeUs(pid: number): number {
  let ns = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const [ranNs] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ');
    ns += Number(ranNs);
  }
  return ns / 1000;
}

/** Resident memory, in KiB. */
export function residentKib(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  if (found === null) throw new Error(`Process ${pid} has no resident memory: it has ended`);
  return Number(found[1]);
}
