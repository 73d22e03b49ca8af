// machine.ts: whether the machine had the time to measure anything by the clock.

import { cpus } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { sum } from './statistics.ts';

const LOOP_DELAY_RESOLUTION_MS = 5;

export interface Machine {
  /** Of all cores, everything that runs on them counted. */
  readonly busyShare: number;
  /** How late this process's event loop was, in 99 % of its turns at most. */
  readonly loopDelayP99Ms: number;
}

/** Watches until the function it returns is called. */
export function watchMachine(): () => Machine {
  const before = cpuTimes();
  const delay = monitorEventLoopDelay({ resolution: LOOP_DELAY_RESOLUTION_MS });
  delay.enable();
  return () => {
    delay.disable();
    const after = cpuTimes();
    const busyShare = 1 - (after.idleMs - before.idleMs) / (after.totalMs - before.totalMs);
    return { busyShare, loopDelayP99Ms: delay.percentile(99) / 1e6 - LOOP_DELAY_RESOLUTION_MS };
  };
}

function cpuTimes(): { readonly idleMs: number; readonly totalMs: number } {
  const times = cpus().map((cpu) => cpu.times);
  return { idleMs: sum(times.map(({ idle }) => idle)), totalMs: sum(times.flatMap((time) => Object.values(time))) };
}
