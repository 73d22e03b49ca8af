// scaled-clock.ts: time as the simulated servers live it, so that an hour of theirs can pass in minutes and be reported in their seconds.

export interface ScaledClock {
  /** Seconds since 1970 at the start, from then on simulated ones. Never goes back. */
  nowS(): number;
  /** Resolves at `atS`, or at once when that is past or `signal` is aborted. */
  until(atS: number, signal?: AbortSignal): Promise<void>;
}

/** `timeScale` is how many real seconds a simulated one takes; 1 is real time. */
export function createScaledClock(timeScale: number): ScaledClock {
  const startedS = Date.now() / 1000;
  const startedMs = performance.now();
  const nowS = (): number => startedS + (performance.now() - startedMs) / 1000 / timeScale;
  return {
    nowS,
    until(atS, signal) {
      const delayMs = (atS - nowS()) * timeScale * 1000;
      if (delayMs <= 0 || signal?.aborted === true) return Promise.resolve();
      return new Promise((resolve) => {
        const finish = (): void => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', finish);
          resolve();
        };
        const timer = setTimeout(finish, delayMs);
        signal?.addEventListener('abort', finish);
      });
    },
  };
}
