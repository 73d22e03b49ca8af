// ejection.test.ts: when failed requests take an endpoint out, for how long, and what brings it back.

import * as fc from 'fast-check';
import { test } from 'tap';
import { type EjectedBecause, Ejection, type EjectionState } from '../../../src/pool/ejection.ts';
import type { EjectionSettings } from '../../../src/pool/settings.ts';

const SETTINGS: EjectionSettings = { errorsInRow: 3, errorRatio: 0.5, requestsMin: 20, windowMs: 10_000, baseMs: 10_000, maxMs: 300_000 };

/** Fails requests one after the other until one of them ejects. Gives why. */
function failUntilEjected(ejection: Ejection, nowMs: number): string {
  for (;;) {
    const why = ejection.noteFailed('error', nowMs, nowMs, SETTINGS);
    if (why !== undefined) return why;
  }
}

test('as many errors in a row as configured eject, whether the endpoint said something or was silent', async (t) => {
  const ejection = new Ejection();
  t.equal(ejection.noteFailed('error', 0, 0, SETTINGS), undefined);
  t.equal(ejection.noteFailed('silent', 0, 0, SETTINGS), undefined);
  ejection.noteAnswered(0, 0, SETTINGS);
  t.equal(ejection.noteFailed('error', 0, 0, SETTINGS), undefined);
  t.equal(ejection.noteFailed('error', 0, 0, SETTINGS), undefined);
  t.equal(ejection.stateAt(0), 'in');
  t.equal(ejection.noteFailed('silent', 0, 0, SETTINGS), '3 errors in a row');
  t.equal(ejection.stateAt(0), 'ejected');
});

test('an answer to what was sent before the errors does not interrupt their row', async (t) => {
  const ejection = new Ejection();
  t.equal(ejection.noteFailed('error', 10, 11, SETTINGS), undefined);
  ejection.noteAnswered(9, 12, SETTINGS);
  t.equal(ejection.noteFailed('error', 15, 16, SETTINGS), undefined);
  ejection.noteAnswered(14, 17, SETTINGS);
  t.equal(ejection.noteFailed('error', 20, 21, SETTINGS), '3 errors in a row');
});

test('half of the requests failing ejects once there are enough of them within the window', async (t) => {
  const ejection = new Ejection();
  const pairs = (from: number, to: number, stepMs: number): (string | undefined)[] =>
    Array.from({ length: to - from }, (_, i) => {
      const nowMs = (from + i) * stepMs;
      ejection.noteAnswered(nowMs, nowMs, SETTINGS);
      return ejection.noteFailed('error', nowMs, nowMs, SETTINGS);
    });
  t.same(new Set(pairs(0, 100, 2000)), new Set([undefined]), 'ten within 10 s are too few');
  const why = pairs(3000, 3010, 100);
  t.same(new Set(why.slice(0, 9)), new Set([undefined]));
  t.equal(why[9], '10 of 20 requests failed within 10000 ms');
});

test('0 switches errors in a row and the ratio off', async (t) => {
  for (const settings of [{ ...SETTINGS, errorsInRow: 0, errorRatio: 0 }, { ...SETTINGS, errorsInRow: 0, requestsMin: 101 }]) {
    const ejection = new Ejection();
    for (let i = 0; i < 100; i += 1) t.equal(ejection.noteFailed('error', 0, 0, settings), undefined);
  }
});

test('each ejection lasts twice as long as the one before up to the longest, and the first one again after as long without', async (t) => {
  const ejection = new Ejection();
  let nowMs = 0;
  const lasts = (): number => {
    const fromMs = nowMs;
    while (ejection.stateAt(nowMs) === 'ejected') nowMs += 1000;
    return nowMs - fromMs;
  };
  failUntilEjected(ejection, nowMs);
  for (const expectedMs of [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]) {
    t.equal(lasts(), expectedMs);
    t.equal(failUntilEjected(ejection, nowMs), 'failed again on trial');
  }
  lasts();
  t.equal(ejection.noteAnswered(nowMs, nowMs, SETTINGS), true);
  nowMs += 299_000;
  failUntilEjected(ejection, nowMs);
  t.equal(lasts(), 300_000);
  ejection.noteAnswered(nowMs, nowMs, SETTINGS);
  nowMs += 300_000;
  failUntilEjected(ejection, nowMs);
  t.equal(lasts(), 10_000);
});

test('on trial one request at a time, until one that was sent on trial is answered', async (t) => {
  const ejection = new Ejection();
  const before = ejection.takeLease();
  failUntilEjected(ejection, 0);
  t.equal(ejection.noteAnswered(0, 5000, SETTINGS), false, 'sent before the ejection');
  t.equal(ejection.stateAt(10_000), 'trial');
  t.equal(ejection.trialTaken, false, 'one from before the ejection still runs, but is none of the trial');
  const first = ejection.takeLease();
  t.equal(ejection.trialTaken, true);
  ejection.returnLease(before);
  t.equal(ejection.trialTaken, true);
  ejection.returnLease(first);
  t.equal(ejection.trialTaken, false, 'its client left: the next one may be sent');
  ejection.takeLease();
  t.equal(ejection.noteFailed('error', 9999, 11_000, SETTINGS), undefined, 'sent before the trial');
  t.equal(ejection.noteAnswered(9999, 11_000, SETTINGS), false);
  t.equal(ejection.noteAnswered(10_000, 11_000, SETTINGS), true);
  t.equal(ejection.stateAt(11_000), 'in');
});

test('a request of a failed trial does not take the place in the next one', async (t) => {
  const ejection = new Ejection();
  failUntilEjected(ejection, 0);
  ejection.stateAt(10_000);
  const first = ejection.takeLease();
  failUntilEjected(ejection, 10_000);
  t.equal(ejection.stateAt(30_000), 'trial');
  t.equal(ejection.trialTaken, false);
  ejection.takeLease();
  ejection.returnLease(first);
  t.equal(ejection.trialTaken, true);
});

test('many requests that fail of one cause are one ejection, also when the last of them fail after it is over', async (t) => {
  const ejection = new Ejection();
  failUntilEjected(ejection, 100);
  for (const nowMs of [100, 5000]) t.equal(ejection.noteFailed('error', 50, nowMs, SETTINGS), undefined);
  t.equal(ejection.stateAt(10_100), 'trial');
  ejection.noteAnswered(10_100, 10_200, SETTINGS);
  for (let i = 0; i < 10; i += 1) t.equal(ejection.noteFailed('silent', 50, 10_300, SETTINGS), undefined);
  t.equal(ejection.stateAt(10_300), 'in');
});

test('a draining engine is out at once and for 2 s, longer each time; probes do not end that, a new process does', async (t) => {
  const ejection = new Ejection();
  t.equal(ejection.noteFailed('draining', 0, 0, SETTINGS), 'takes nothing new, shuts down');
  ejection.noteProbeFailed();
  t.equal(ejection.noteProbeSucceeded(100), false);
  t.equal(ejection.stateAt(1999), 'ejected');
  t.equal(ejection.stateAt(2000), 'trial');
  ejection.noteFailed('draining', 2000, 2000, SETTINGS);
  t.equal(ejection.stateAt(5999), 'ejected');
  t.equal(ejection.noteRestarted(4000), true);
  t.equal(ejection.stateAt(4000), 'in');
  t.equal(ejection.noteFailed('draining', 3999, 4001, SETTINGS), undefined, 'said by the old process');
  t.equal(ejection.noteFailed('draining', 4000, 4001, SETTINGS), 'takes nothing new, shuts down');
});

test('a dead engine is out until a probe succeeds after probes have failed, or for the usual time', async (t) => {
  const ejection = new Ejection();
  ejection.noteProbeFailed();
  t.equal(ejection.noteFailed('engine_dead', 0, 0, SETTINGS), 'its engine is dead');
  t.equal(ejection.noteProbeSucceeded(100), false, 'no probe has failed since');
  ejection.noteProbeFailed();
  t.equal(ejection.stateAt(9999), 'ejected');
  t.equal(ejection.noteProbeSucceeded(200), true);
  t.equal(ejection.stateAt(200), 'in');
  ejection.noteFailed('engine_dead', 300, 300, SETTINGS);
  t.equal(ejection.stateAt(20_299), 'ejected');
  t.equal(ejection.stateAt(20_300), 'trial');
});

test('what an engine says of itself outweighs errors', async (t) => {
  const ejection = new Ejection();
  failUntilEjected(ejection, 0);
  t.equal(ejection.because, 'errors');
  t.equal(ejection.noteFailed('engine_dead', 0, 1, SETTINGS), undefined);
  t.equal(ejection.because, 'engine_dead');
  ejection.noteFailed('error', 0, 2, SETTINGS);
  t.equal(ejection.because, 'engine_dead');
});

/** The same rules over the whole history, looked through from its beginning each time. */
class NaiveEjection {
  because: EjectedBecause | undefined;
  #untilMs = -Infinity;
  #inSinceMs = -Infinity;
  #inRowOfEjections = 0;
  #probeFailed = false;
  #outcomes: { failed: boolean; sentMs: number; atMs: number }[] = [];
  readonly #errorsInRow: number;

  constructor(errorsInRow: number) {
    this.#errorsInRow = errorsInRow;
  }

  stateAt(nowMs: number): EjectionState {
    if (this.because === undefined) return 'in';
    return nowMs < this.#untilMs ? 'ejected' : 'trial';
  }

  fail(failure: 'error' | 'silent' | 'draining' | 'engine_dead', sentMs: number, nowMs: number): boolean {
    const said = failure === 'draining' || failure === 'engine_dead' ? failure : undefined;
    const state = this.stateAt(nowMs);
    if (state === 'ejected' && said !== undefined) this.because = said;
    if (state === 'ejected' || sentMs < this.#untilMs) return false;
    if (state === 'in' && said === undefined) {
      this.#outcomes.push({ failed: true, sentMs, atMs: nowMs });
      const inRow = this.#inRow();
      const recent = this.#outcomes.filter(({ atMs }) => Math.floor(nowMs / 1000) - Math.floor(atMs / 1000) < 10);
      const failed = recent.filter((each) => each.failed).length;
      if ((this.#errorsInRow === 0 || inRow < this.#errorsInRow) && (recent.length < 20 || failed * 2 < recent.length)) return false;
    }
    this.#inRowOfEjections = state === 'in' && nowMs - this.#inSinceMs >= 300_000 ? 1 : this.#inRowOfEjections + 1;
    this.because = said ?? 'errors';
    this.#untilMs = nowMs + Math.min(300_000, (said === 'draining' ? 1000 : 5000) * 2 ** this.#inRowOfEjections);
    this.#probeFailed = false;
    this.#outcomes = [];
    return true;
  }

  #inRow(): number {
    let row: number[] = [];
    for (const { failed, sentMs } of this.#outcomes) {
      if (failed) row.push(sentMs);
      else if (sentMs >= Math.max(-Infinity, ...row)) row = [];
    }
    return row.length;
  }

  answer(sentMs: number, nowMs: number): boolean {
    if (sentMs < this.#untilMs) return false;
    this.#outcomes.push({ failed: false, sentMs, atMs: nowMs });
    return this.#end(nowMs);
  }

  probe(succeeded: boolean, nowMs: number): boolean {
    if (!succeeded) this.#probeFailed = true;
    return succeeded && this.because === 'engine_dead' && this.#probeFailed && (this.#untilMs > nowMs && (this.#untilMs = nowMs), this.#end(nowMs));
  }

  restart(nowMs: number): boolean {
    this.#outcomes = [];
    this.#untilMs = nowMs;
    return this.#end(nowMs);
  }

  #end(nowMs: number): boolean {
    const ended = this.because !== undefined;
    if (ended) this.#inSinceMs = nowMs;
    this.because = undefined;
    return ended;
  }
}

test('it agrees with a naive model, whatever happens in whatever order', async () => {
  const passed = fc.oneof({ weight: 90, arbitrary: fc.nat(500) }, { weight: 2, arbitrary: fc.nat(30_000) }, { weight: 1, arbitrary: fc.nat(400_000) });
  const sentAgo = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(20_000) });
  const failure = fc.oneof({ weight: 60, arbitrary: fc.constantFrom('error' as const, 'silent' as const) }, { weight: 1, arbitrary: fc.constantFrom('draining' as const, 'engine_dead' as const) });
  const step = fc.oneof(
    { weight: 30, arbitrary: fc.record({ passed, failure, sentAgo }) },
    { weight: 40, arbitrary: fc.record({ passed, answered: fc.constant(true), sentAgo }) },
    { weight: 1, arbitrary: fc.record({ passed, probe: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ passed, restarted: fc.constant(true) }) },
  );
  fc.assert(
    fc.property(fc.constantFrom(0, 3, 5), fc.array(step, { maxLength: 400, size: 'max' }), (errorsInRow, steps) => {
      const settings = { ...SETTINGS, errorsInRow };
      const [real, naive] = [new Ejection(), new NaiveEjection(errorsInRow)];
      let nowMs = 1_000_000;
      for (const each of steps) {
        nowMs += each.passed;
        const told = 'failure' in each
          ? [real.noteFailed(each.failure, nowMs - each.sentAgo, nowMs, settings) !== undefined, naive.fail(each.failure, nowMs - each.sentAgo, nowMs)]
          : 'answered' in each
            ? [real.noteAnswered(nowMs - each.sentAgo, nowMs, settings), naive.answer(nowMs - each.sentAgo, nowMs)]
            : 'probe' in each
              ? [each.probe ? real.noteProbeSucceeded(nowMs) : (real.noteProbeFailed(), false), naive.probe(each.probe, nowMs)]
              : [real.noteRestarted(nowMs), naive.restart(nowMs)];
        if (told[0] !== told[1] || real.stateAt(nowMs) !== naive.stateAt(nowMs) || real.because !== naive.because) return false;
      }
      return true;
    }),
    { numRuns: 300 },
  );
});
