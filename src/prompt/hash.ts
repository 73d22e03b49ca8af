// hash.ts: the one place that knows the native hash. It takes Buffers only and ends the process on anything else.

import xxhash from 'xxhash-addon';

/** The size of XXH3's own secret; fewer than 136 bytes it takes for a seed, or refuses. */
const KEY_BYTES = 192;

/** A keyed hash over stretches of one scratch area. */
export interface StrongHash {
  /** The area that stretches are taken from. Whoever holds the hash writes here. */
  readonly scratch: Uint8Array;
  /** Adds `scratch[from, to)` to what the next digest covers. */
  add(from: number, to: number): void;
  /** Puts the 64-bit digest of all that was added into `out` (low word, high word) and starts anew. */
  digest(out: Int32Array): void;
  /** Forgets what was added. */
  clear(): void;
}

/** A hash that nobody can predict without `secret`, which may have any length. */
export function createStrongHash(secret: Uint8Array, scratchBytes: number): StrongHash {
  const scratch = Buffer.alloc(scratchBytes);
  const hash = new xxhash.XXHash3(stretchKey(secret));
  return {
    // Not the Buffer itself, whose subarray takes twice as long.
    scratch: new Uint8Array(scratch.buffer, scratch.byteOffset, scratchBytes),
    add(from, to) {
      hash.update(scratch.subarray(from, to));
    },
    digest(out) {
      const digest = hash.digest();
      out[0] = digest.readInt32BE(4);
      out[1] = digest.readInt32BE(0);
      hash.reset();
    },
    clear() {
      hash.reset();
    },
  };
}

function stretchKey(secret: Uint8Array): Buffer {
  const source = Buffer.from(secret);
  const key = Buffer.alloc(KEY_BYTES);
  const seed = Buffer.alloc(8);
  for (let at = 0; at < KEY_BYTES; at += 8) {
    seed.writeUInt32BE(at + 1, 4);
    const hash = new xxhash.XXHash3(seed);
    hash.update(source);
    hash.digest().copy(key, at);
  }
  return key;
}
