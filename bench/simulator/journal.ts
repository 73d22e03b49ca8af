// journal.ts: what a simulated server saw, so that a test can ask what became of a request.

import type { IncomingHttpHeaders } from 'node:http';

export interface JournalEntry {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Unix time in milliseconds. */
  readonly atMs: number;
  model: string | undefined;
  status: number | undefined;
  promptTokens: number;
  /** Undefined until the engine admitted it. */
  cachedTokens: number | undefined;
  outputTokens: number;
  finishReason: string | undefined;
  /** `refused` never reached the engine; `aborted` means that the client left; `failed` that a fault ended it. */
  outcome: 'open' | 'finished' | 'aborted' | 'refused' | 'failed';
}

const ENTRIES_MAX = 2000;

/** The last requests to the API, oldest first. */
export class Journal {
  readonly #entries: JournalEntry[] = [];

  open(request: Opened): JournalEntry {
    const entry = newEntry(request);
    this.#entries.push(entry);
    if (this.#entries.length >= 2 * ENTRIES_MAX) this.#entries.splice(0, ENTRIES_MAX);
    return entry;
  }

  entries(): readonly JournalEntry[] {
    return this.#entries.slice(-ENTRIES_MAX);
  }
}

type Opened = Pick<JournalEntry, 'id' | 'method' | 'path' | 'headers'>;

/** An entry that is in no journal yet. */
export function newEntry(request: Opened): JournalEntry {
  return {
    ...request,
    atMs: Date.now(),
    model: undefined,
    status: undefined,
    promptTokens: 0,
    cachedTokens: undefined,
    outputTokens: 0,
    finishReason: undefined,
    outcome: 'open',
  };
}
