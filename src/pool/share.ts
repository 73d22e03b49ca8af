// share.ts: how much of its full share of the requests an endpoint takes.

const SHARE_MIN = 0.1;
/** From the last time that its queue was full. */
const RECOVERY_MS = 10_000;

/** Between 0.1 and 1: less after coming back beside others that are warm, and after its queue was full. */
export class Share {
  #rampFromMs: number | undefined;
  #cut = 1;
  #cutAtMs = -Infinity;

  /** It takes requests from now on. `slowly`: its share grows from 0.1. */
  begin(nowMs: number, slowly: boolean): void {
    this.#rampFromMs = slowly ? nowMs : undefined;
    this.#cut = 1;
  }

  /** Halves it. It is whole again 10 s later. */
  noteOverloaded(nowMs: number): void {
    this.#cut = Math.max(SHARE_MIN, this.#uncut(nowMs) / 2);
    this.#cutAtMs = nowMs;
  }

  at(nowMs: number, slowStartMs: number): number {
    if (this.#rampFromMs === undefined && this.#cut === 1) return 1;
    return Math.min(this.#ramped(nowMs, slowStartMs), this.#uncut(nowMs));
  }

  #ramped(nowMs: number, slowStartMs: number): number {
    if (this.#rampFromMs === undefined || slowStartMs === 0) return 1;
    return grown(SHARE_MIN, (nowMs - this.#rampFromMs) / slowStartMs);
  }

  #uncut(nowMs: number): number {
    return this.#cut === 1 ? 1 : grown(this.#cut, (nowMs - this.#cutAtMs) / RECOVERY_MS);
  }
}

/** From `from` at 0 to 1 at 1. */
function grown(from: number, progress: number): number {
  return Math.min(1, from + (1 - from) * Math.max(0, progress));
}
