// reactions.ts: whether an endpoint still reacts: to probes, to scrapes, with bytes of answers.

/** What is asked again and again. */
export type Question = 'probe' | 'scrape';

interface Run {
  failures: number;
  sinceMs: number;
}

export class Reactions {
  readonly #runs: Readonly<Record<Question, Run>> = { probe: { failures: 0, sinceMs: 0 }, scrape: { failures: 0, sinceMs: 0 } };
  #heardMs = -Infinity;

  /** Bytes of an answer came: whatever failed before that is no sign any more. */
  noteHeard(nowMs: number): void {
    this.#heardMs = nowMs;
    this.reset();
  }

  noteFailed(question: Question, nowMs: number): void {
    const run = this.#runs[question];
    if (run.failures === 0) run.sinceMs = nowMs;
    run.failures += 1;
  }

  noteSucceeded(question: Question): void {
    this.#runs[question].failures = 0;
  }

  reset(): void {
    this.#runs.probe.failures = 0;
    this.#runs.scrape.failures = 0;
  }

  heardSince(sinceMs: number): boolean {
    return this.#heardMs >= sinceMs;
  }

  /** Since when probes or scrapes have failed, as many in a row as given, without a byte of an answer. Undefined while it reacts. */
  silentSince(failuresMin: number): number | undefined {
    const { probe, scrape } = this.#runs;
    const [byProbe, byScrape] = [probe.failures >= failuresMin, scrape.failures >= failuresMin];
    if (byProbe && byScrape) return Math.min(probe.sinceMs, scrape.sinceMs);
    if (byProbe) return probe.sinceMs;
    return byScrape ? scrape.sinceMs : undefined;
  }
}
