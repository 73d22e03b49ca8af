// peers.ts: what an endpoint asks of the others in its pool.

export interface Peers {
  /** Whether one has carried its full share for a while. */
  settled(nowMs: number): boolean;
  /** Whether bytes of an answer came from one since then. */
  heardSince(sinceMs: number): boolean;
}

/** `others` gives those who are there when it is asked. */
export function peersAmong(others: () => readonly Peers[]): Peers {
  return {
    settled: (nowMs) => others().some((other) => other.settled(nowMs)),
    heardSince: (sinceMs) => others().some((other) => other.heardSince(sinceMs)),
  };
}
