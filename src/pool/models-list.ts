// models-list.ts: who an endpoint says it serves.

import type { ServedModel } from './served-models.ts';

/** They do something to who reads logs and terminals. */
const CONTROL = /[\p{Cc}\u2028\u2029]/u;

/**
 * Reads the answer to `GET /v1/models`: base models and LoRA adapters, which name their parent.
 *
 * Undefined when it is no such list. Entries without a name are passed over, and so are names with control characters.
 */
export function readModelsList(text: string): readonly ServedModel[] | undefined {
  const data = fieldOf(parsed(text), 'data');
  if (!Array.isArray(data)) return undefined;
  const models = new Map<string, ServedModel>();
  for (const entry of data as unknown[]) {
    const id = fieldOf(entry, 'id');
    const parent = fieldOf(entry, 'parent');
    const tokensMax = fieldOf(entry, 'max_model_len');
    if (typeof id === 'string' && id !== '' && !CONTROL.test(id)) {
      models.set(id, { id, parent: typeof parent === 'string' ? parent : undefined, tokensMax: typeof tokensMax === 'number' && tokensMax > 0 ? tokensMax : undefined });
    }
  }
  return [...models.values()];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
