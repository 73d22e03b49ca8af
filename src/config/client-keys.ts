// client-keys.ts: what clients show, as its SHA-256 alone: nothing else of a key is kept.

import { createHash } from 'node:crypto';
import type { Contradiction, Fields, Item } from './contradiction.ts';

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** One client, one key: a key in both forms, in none, or of two clients. */
export function clientContradictions(clients: readonly Item[]): Contradiction[] {
  const seen = new Set<string>();
  return clients.flatMap(({ fields, path }) => {
    const { key, key_sha256: given } = fields;
    if (key !== undefined && given !== undefined) return [{ path: [...path, 'key_sha256'], seen: 'beside key', wanted: 'one of key and key_sha256' }];
    if (key === undefined && given === undefined) return [{ path, seen: 'without a key', wanted: 'key or key_sha256' }];
    const digest = digestOf(fields);
    if (digest === undefined) return [];
    if (seen.has(digest)) return [{ path: [...path, key === undefined ? 'key_sha256' : 'key'], seen: 'the key of another client', wanted: 'a key that no other client has' }];
    seen.add(digest);
    return [];
  });
}

function digestOf({ key, key_sha256: digest }: Fields): string | undefined {
  if (typeof key === 'string') return sha256(key);
  return typeof digest === 'string' ? digest.toLowerCase() : undefined;
}
