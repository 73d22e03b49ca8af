// random.ts: chance as a parameter, so that a run can be replayed from its seed.

/** A number in [0, 1), like `Math.random`. */
export type Random = () => number;

/** A small, fast generator (mulberry32) that gives the same numbers for the same 32-bit seed. Not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
