import * as fc from 'fast-check';
import { test } from 'tap';
import { SharedBlocks } from '../../../src/prefix/shared-blocks.ts';
import { modelKey } from '../../../src/prefix/model-key.ts';
import { type Hold, PrefixIndex } from '../../../src/prefix/prefix-index.ts';
import { blockTokens, chainOf, tokenEnds } from './conversation.ts';
import { NaiveIndex, prefixes } from './naive-index.ts';

const MODEL = modelKey('qwen');
const text = fc.stringMatching(/^[uU][uUmM]{0,7}$/);
const capacity = fc.integer({ min: 0, max: 400 });

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('record' as const), text }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('confirm' as const), at: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('answer' as const), at: fc.nat(), tokens: fc.nat(60) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('release' as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('capacity' as const), tokens: capacity }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget before' as const), agoMs: fc.nat(60) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface Open {
  readonly text: string;
  readonly hold: Hold;
  /** Dispatched since the last forget: the naive index knows only those. */
  isCurrent: boolean;
  /** When its prompt was confirmed last: its answer is held since then, and never longer than what it stands behind. */
  confirmedMs: number | undefined;
}

/** The index and the naive one, driven by the same steps. */
class Pair {
  readonly index: PrefixIndex;
  readonly naive: NaiveIndex;
  readonly open: Open[] = [];
  readonly #seen = new Set<string>();
  #nowMs = 1_000;

  constructor(capacityTokens: number, branches?: SharedBlocks) {
    this.index = new PrefixIndex(capacityTokens, branches);
    this.naive = new NaiveIndex(capacityTokens);
  }

  apply(step: Step): void {
    this.#nowMs += 7;
    if (step.kind === 'record') {
      this.#seen.add(step.text);
      this.open.push({ text: step.text, hold: this.index.record(chainOf(step.text), MODEL, tokenEnds(chainOf(step.text))), isCurrent: true, confirmedMs: undefined });
      this.naive.record(step.text);
    } else if (step.kind === 'capacity') {
      this.index.setCapacityTokens(step.tokens);
      this.naive.setCapacityTokens(step.tokens);
    } else if (step.kind === 'forget before') {
      this.index.forgetBefore(this.#nowMs - step.agoMs);
      this.naive.forgetBefore(this.#nowMs - step.agoMs);
    } else if (step.kind === 'forget') {
      this.index.forget();
      this.naive.forget();
      for (const request of this.open) request.isCurrent = false;
    } else if (this.open.length > 0) {
      this.#proceed(step, this.open[step.at % this.open.length]!);
    }
  }

  #proceed(step: Extract<Step, { at: number }>, request: Open): void {
    if (step.kind === 'confirm') {
      request.confirmedMs = this.#nowMs;
      this.index.confirm(request.hold, this.#nowMs);
      if (request.isCurrent) this.naive.confirm(request.text, this.#nowMs);
    } else if (step.kind === 'answer') {
      const tokens = step.tokens + 1;
      const heldAtMs = request.confirmedMs ?? this.#nowMs;
      this.index.recordAnswer(request.hold, tokens, heldAtMs);
      if (request.isCurrent) this.naive.recordAnswer(request.text, tokens, heldAtMs);
    } else {
      this.index.release(request.hold);
      if (request.isCurrent) this.naive.release(request.text);
      this.open.splice(this.open.indexOf(request), 1);
    }
  }

  releaseAll(): void {
    while (this.open.length > 0) this.apply({ kind: 'release', at: 0 });
  }

  /** Throws where the two differ, or the naive one is not what it should be. */
  compare(): void {
    const { index, naive } = this;
    same('blocks', index.blocks, naive.blocks.size);
    same('tokens', index.tokens, naive.tokens);
    same('tokens in use', index.inUseTokens, naive.inUseTokens);
    same('within capacity, but for what is in use', index.tokens <= index.capacityTokens || naive.young.length === 0, true);
    same('tailAgeMs', index.tailAgeMs(this.#nowMs), naive.tailAgeMs(this.#nowMs));
    for (const known of this.#seen) {
      for (const name of prefixes(`${known}mM`)) {
        const matched = index.matchedBlocks(chainOf(name), MODEL);
        same(`matched ${name}`, matched, naive.matched(name));
        same(`survey of ${name}`, kindsOf(index, name), naive.survey(name));
        same(`answered ${name}`, index.answerTokens(chainOf(name), MODEL, matched) > 0, naive.held(name) > matched);
      }
    }
    for (const name of naive.blocks.keys()) same(`parent of ${name}`, name.length === 1 || naive.blocks.has(name.slice(0, -1)), true);
    naive.young.forEach((name, at) => {
      if (name.length > 1) same(`${name} is older than its parent`, naive.young.indexOf(name.slice(0, -1)) < at, true);
    });
  }
}

/** The survey a letter a block: idle, busy, provisional or a ghost. What ends beyond the blocks is the answer. */
function kindsOf(index: PrefixIndex, name: string): string {
  const chain = chainOf(name);
  // So far apart that no answer reaches the end of the next block.
  const ends = Float64Array.from(name, (_, i) => 1000 * (i + 1));
  let kinds = '';
  let at = 0;
  for (const { kind, tokensEnd } of index.survey(chain, MODEL, ends)) {
    const from = at;
    while (at < name.length && ends[at]! <= tokensEnd) at++;
    kinds += kind.charAt(0).repeat(at - from);
    if (at === from || ends[at - 1]! < tokensEnd) kinds += kind.charAt(0);
  }
  return kinds;
}

function same(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${what}: ${String(actual)} instead of ${String(expected)}`);
}

test('the index agrees with the naive one after every step, and evicts in the same order', async () => {
  fc.assert(
    fc.property(capacity, fc.array(step, { maxLength: 60 }), (capacityTokens, steps) => {
      const pair = new Pair(capacityTokens);
      for (const step of steps) {
        pair.apply(step);
        pair.compare();
      }
      for (let tokens = pair.index.capacityTokens; tokens >= 0; tokens -= 4) {
        pair.apply({ kind: 'capacity', tokens });
        pair.compare();
      }
    }),
    { numRuns: 300 },
  );
});

test('when every request is over and every endpoint forgotten, nothing is left', async () => {
  const steps = fc.array(fc.record({ endpoint: fc.nat(2), step }), { maxLength: 80 });
  fc.assert(
    fc.property(capacity, steps, (capacityTokens, steps) => {
      const branches = new SharedBlocks(1_000);
      const pairs = Array.from({ length: 3 }, () => new Pair(capacityTokens, branches));
      for (const { endpoint, step } of steps) {
        pairs[endpoint]!.apply(step);
        // What was evicted lately may come back.
        const union = new Set(pairs.flatMap(({ naive }) => [...naive.blocks.keys(), ...naive.ghosts.map(({ name }) => name)].filter((name) => !name.endsWith('='))));
        same('blocks known to the branches', branches.entries, union.size);
      }
      for (const pair of pairs) {
        pair.releaseAll();
        pair.compare();
        pair.index.setCapacityTokens(0);
        same('blocks without requests and capacity', pair.index.blocks, 0);
      }
      same('blocks known to the branches', branches.entries, 0);
    }),
    { numRuns: 300 },
  );
});

test('a withdrawn request leaves what would be there without it, as long as nothing was evicted', async () => {
  const steps = fc.array(
    step.filter((step) => step.kind !== 'capacity' && step.kind !== 'forget' && step.kind !== 'forget before'),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(text, steps, steps, (withdrawn, before, after) => {
      const pair = new Pair(Infinity);
      for (const step of before) pair.apply(step);
      const hold = pair.index.record(chainOf(withdrawn), MODEL, tokenEnds(chainOf(withdrawn)));
      for (const step of after) pair.apply(step);
      pair.index.release(hold);
      pair.compare();
    }),
    { numRuns: 300 },
  );
});

test('the longest match is found in chains of any length, whatever was guessed', async () => {
  const blocks = fc.integer({ min: 1, max: 120 });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 120 }), fc.array(blocks, { minLength: 1, maxLength: 3 }), fc.array(fc.tuple(blocks, fc.nat(120), fc.nat(120)), { maxLength: 20 }), (room, recorded, asked) => {
      const pair = new Pair(room * blockTokens('u'));
      for (const length of recorded) {
        pair.apply({ kind: 'record', text: 'u'.repeat(length) });
        pair.apply({ kind: 'confirm', at: 0 });
        pair.apply({ kind: 'release', at: 0 });
      }
      for (const [length, guess, beyond] of asked) {
        const name = 'u'.repeat(length);
        const matched = pair.naive.matched(name);
        same(`matched of ${length}`, pair.index.matchedBlocks(chainOf(name), MODEL, Math.min(length, matched + beyond), guess), matched);
      }
    }),
  );
});
