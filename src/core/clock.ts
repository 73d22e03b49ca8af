// clock.ts: time as a parameter, so that an hour of traffic can be tested in a second.

/** Monotonic milliseconds from an arbitrary start. Never wall-clock time: that one jumps. */
export type Clock = () => number;
