// repeat.ts: looking again and again while something else goes on.

import { setTimeout as sleep } from 'node:timers/promises';

/** Runs `task` with a pause after each, until the function it returns is called, which resolves when the last has ended or rejects with its error. */
export function repeatUntilTold(pauseMs: number, task: () => Promise<void>): () => Promise<void> {
  const told = new AbortController();
  const { signal } = told;
  const repeating = (async () => {
    while (!signal.aborted) {
      await task();
      await sleep(pauseMs, undefined, { signal }).catch(() => {}); // Told to end.
    }
  })();
  repeating.catch(() => {}); // Told by the function below.
  return () => {
    told.abort();
    return repeating;
  };
}
