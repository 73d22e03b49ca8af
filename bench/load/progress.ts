// progress.ts: how far a long run is, for someone who waits: a bar that is redrawn on a terminal, a line now and then elsewhere.

export interface Progress {
  /** `share` is 0 to 1. */
  update(share: number, detail: string): void;
  /** Clears the bar, so that what follows starts on a line of its own. */
  end(): void;
}

const BAR_LENGTH = 28;
const LINE_INTERVAL_MS = 15_000;
/** Before this share is done, an estimate of the rest is a guess. */
const ESTIMATE_SHARE_MIN = 0.03;

/** Writes to standard error: standard output is for results. */
export function createProgress(): Progress {
  const { stderr } = process;
  const startedMs = performance.now();
  let lastLineMs = -Infinity;
  return {
    update(share, detail) {
      const nowMs = performance.now();
      const leftS = ((nowMs - startedMs) / 1000) * (1 / share - 1);
      const left = share < ESTIMATE_SHARE_MIN ? '' : ` · ${minutes(leftS)} left`;
      const line = `${String(Math.floor(share * 100)).padStart(3)} % · ${detail}${left}`;
      if (stderr.isTTY) {
        const done = Math.round(share * BAR_LENGTH);
        stderr.write(`\r\u001b[K${'█'.repeat(done)}${'░'.repeat(BAR_LENGTH - done)} ${line}`);
      } else if (nowMs - lastLineMs >= LINE_INTERVAL_MS) {
        lastLineMs = nowMs;
        stderr.write(`${line}\n`);
      }
    },
    end() {
      if (stderr.isTTY) stderr.write('\r\u001b[K');
    },
  };
}

/** `m:ss` */
export function minutes(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
