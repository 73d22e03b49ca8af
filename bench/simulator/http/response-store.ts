// response-store.ts: the responses that a server keeps in its memory.

import type { JsonObject } from '../text/chat-template.ts';
import { ApiError } from './api-error.ts';

const STORED_MAX = 1000;

/** A finished response and the conversation up to it, for a request that continues it. */
interface Stored {
  readonly body: string;
  readonly messages: readonly JsonObject[];
}

/** Responses by id. They live and die with the process that gave them. */
export class ResponseStore {
  readonly #stored = new Map<string, Stored>();

  put(id: string, stored: Stored): void {
    this.#stored.set(id, stored);
    if (this.#stored.size <= STORED_MAX) return;
    for (const oldest of this.#stored.keys()) {
      this.#stored.delete(oldest);
      return;
    }
  }

  get(id: string): Stored {
    const stored = this.#stored.get(id);
    if (stored !== undefined) return stored;
    throw new ApiError(404, 'invalid_request_error', `Response with id '${id}' not found.`, 'response_id');
  }
}
