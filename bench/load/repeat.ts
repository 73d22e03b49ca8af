// repeat.ts: looking again and again while something else goes on.

import { setTimeout as sleep } from 'node:timers/promises';

/** Runs `task` with a pause after each, until the function it returns is called, which resolves when the last has ended or rejects with its error. */
export function repeatUntilTold(pauseMs: number, task: () => Promise<void>): () => Promise<void> {
  const told = new AbortController();
  const repeating = (async () => {
    while (!told.signal.aborted) {
      await task();
      await sleep(pauseMs);
    }
  })();
  repeating.catch(() => {}); // Told by the function below.
  return () => {
    told.abort();
    return repeating;
  };
}
