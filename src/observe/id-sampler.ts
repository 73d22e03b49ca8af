// id-sampler.ts: which requests are logged. All lines of one request share the answer, without anything being remembered.

import type { Random } from '../core/random.ts';

/**
 * Says yes to about `ratio` (0 to 1) of all ids, and always the same for the same id.
 *
 * Salted, because clients may choose ids and must not thereby choose what is logged.
 */
export function idSampler(ratio: number, random: Random): (id: string) => boolean {
  if (ratio >= 1) return () => true;
  if (ratio <= 0) return () => false;
  const salt = Math.floor(random() * 4_294_967_296) | 0;
  const limit = ratio * 4_294_967_296;
  return (id) => mixed(id, salt) < limit;
}

/** FNV-1a over the UTF-16 units, then murmur's finish: ids that count upwards differ in few bits, and the answer must not. */
function mixed(id: string, salt: number): number {
  let hash = salt ^ 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
