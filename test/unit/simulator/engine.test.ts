// The scheduler and the cache, driven by hand-made time.

import * as fc from 'fast-check';
import { test } from 'tap';
import { blockKeys } from '../../../bench/simulator/engine/block-keys.ts';
import { Engine } from '../../../bench/simulator/engine/engine.ts';
import type { EngineRequest, Sequence } from '../../../bench/simulator/engine/sequence.ts';
import { presets, stepDurationS, type Preset } from '../../../bench/simulator/engine/step-time.ts';

const BLOCK = 16;
const preset: Preset = { ...presets.S, arrivalS: 0 };

function makeEngine(blocks: number, changes: Partial<Preset> = {}): Engine<EngineRequest> {
  return new Engine({ preset: { ...preset, ...changes }, blockTokens: BLOCK, blocks });
}

/** Token n of a prompt is n, or something else from `splitAt` on. */
function request(promptTokens: number, outputTokens = 1, splitAt = 0, salt = 0): EngineRequest {
  const tokens = Int32Array.from({ length: promptTokens + outputTokens }, (_, at) => (at < splitAt ? at : at + 1_000_003 * (salt + 1)));
  return { promptTokens, outputTokens, keys: blockKeys(tokens, BLOCK, 0), readsCache: true };
}

/** Steps until nobody is left; returns the time. */
function finish(engine: Engine<EngineRequest>, nowS = 0): number {
  for (let wakeS = engine.wakeAtS(nowS); wakeS !== Infinity; wakeS = engine.wakeAtS(nowS)) nowS = wakeS + engine.step(wakeS).durationS;
  return nowS;
}

function runAlone(engine: Engine<EngineRequest>, what: EngineRequest): Sequence<EngineRequest> {
  const sequence = engine.add(what, 0);
  finish(engine);
  return sequence;
}

test('a prompt sent again finds all its full blocks but never the last token', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), (promptTokens) => {
      const engine = makeEngine(2000);
      runAlone(engine, request(promptTokens));
      return runAlone(engine, request(promptTokens)).cachedTokens === Math.floor((promptTokens - 1) / BLOCK) * BLOCK;
    }),
  );
  t.pass('for any length');
  t.end();
});

test('with room for everything a request finds the longest prefix that was ever computed', (t) => {
  const token = fc.integer({ min: 0, max: 1 });
  const step = fc.record({ prompt: fc.array(token, { minLength: 1, maxLength: 40 }), answer: fc.array(token, { minLength: 1, maxLength: 20 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const engine = new Engine({ preset, blockTokens: 4, blocks: 1000 });
      const computed: number[][] = [];
      return steps.every(({ prompt, answer }) => {
        const tokens = [...prompt, ...answer];
        const keys = blockKeys(Int32Array.from(tokens), 4, 0);
        const { cachedTokens } = runAlone(engine, { promptTokens: prompt.length, outputTokens: answer.length, keys, readsCache: true });
        const shared = computed.map((earlier) => {
          const differs = prompt.findIndex((one, at) => one !== earlier[at]);
          return Math.min(differs === -1 ? prompt.length : differs, earlier.length, prompt.length - 1);
        });
        computed.push(tokens.slice(0, -1));
        return cachedTokens === Math.floor(Math.max(0, ...shared) / 4) * 4;
      });
    }),
  );
  t.pass('whatever was said before');
  t.end();
});

test('the answer is in the cache too, but for its last token', (t) => {
  const engine = makeEngine(2000);
  runAlone(engine, request(40, 60));
  t.equal(runAlone(engine, request(101)).cachedTokens, 96);
  runAlone(engine, request(40, 25, 0, 7));
  t.equal(runAlone(engine, request(66, 1, 0, 7)).cachedTokens, 64, 'token 65 was given out, not computed');
  t.end();
});

test('a prompt that shares a prefix finds the blocks before the first difference', (t) => {
  const engine = makeEngine(2000);
  runAlone(engine, request(1000, 1, 1000));
  t.equal(runAlone(engine, request(1000, 1, 500, 3)).cachedTokens, 496);
  t.end();
});

test('of three equal cold prompts at once one computes and two report it cached', (t) => {
  const engine = makeEngine(2000, { stepTokensMax: 8192 });
  const sequences = [1, 2, 3].map(() => engine.add(request(2020), 0));
  engine.step(0);
  t.same(sequences.map((sequence) => sequence.cachedTokens), [0, 2016, 2016]);
  t.end();
});

test('blocks become hittable chunk by chunk, as they are scheduled', (t) => {
  const engine = makeEngine(2000, { stepTokensMax: 512 });
  const first = engine.add(request(2020), 0);
  engine.step(0);
  engine.abort(first);
  t.equal(runAlone(engine, request(2020)).cachedTokens, 512);
  t.end();
});

/** Blocks of one of three earlier prompts that outlive a fourth in a cache for three. */
function survivingBlocks(salt: number): number {
  const engine = makeEngine(1 + 3 * 64);
  for (const earlier of [1, 2, 3]) runAlone(engine, request(64 * BLOCK - 1, 1, 0, earlier));
  runAlone(engine, request(20 * BLOCK - 1, 1, 0, 4));
  return runAlone(engine, request(64 * BLOCK - 1, 1, 0, salt)).cachedTokens! / BLOCK;
}

test('eviction takes the oldest prompt first and of a prompt the tail first', (t) => {
  // Of 64 blocks 63 were full; the three that were not are taken first, so that 17 of the first prompt's go.
  t.same([1, 2, 3].map(survivingBlocks), [63 - 17, 63, 63]);
  t.end();
});

test('an aborted request frees its blocks in every state', (t) => {
  const engine = makeEngine(100, { runningMax: 1 });
  const running = engine.add(request(320, 50), 0);
  const waiting = engine.add(request(320, 50, 0, 1), 0);
  const arriving = engine.add(request(320, 50, 0, 2), 1000);
  engine.step(0);
  t.same([running.state, waiting.state, arriving.state], ['running', 'waiting', 'arriving']);
  for (const sequence of [waiting, running, arriving]) engine.abort(sequence);
  t.same([engine.running, engine.waiting, engine.arriving, engine.usage], [0, 0, 0, 0]);
  t.equal(engine.wakeAtS(5), Infinity);
  t.end();
});

test('a request waits while its prompt does not fit, and those behind it wait too', (t) => {
  const engine = makeEngine(1 + 40);
  const first = engine.add(request(30 * BLOCK, 5), 0);
  const large = engine.add(request(20 * BLOCK, 1, 0, 1), 0);
  const small = engine.add(request(BLOCK, 1, 0, 2), 0);
  engine.step(0);
  t.same([first.state, large.state, small.state], ['running', 'waiting', 'waiting']);
  finish(engine);
  t.same([first.state, large.state, small.state], ['done', 'done', 'done']);
  t.end();
});

test('when blocks run out the newest request is preempted, recomputes and still gives every token once', (t) => {
  const engine = makeEngine(1 + 20);
  const [older, newer] = [engine.add(request(9 * BLOCK, 60), 0), engine.add(request(9 * BLOCK, 60, 0, 1), 0)];
  const tokens = new Map<unknown, number>();
  let nowS = 0;
  while (engine.wakeAtS(nowS) !== Infinity) {
    const step = engine.step(nowS);
    nowS += step.durationS;
    for (const sequence of step.produced) tokens.set(sequence, (tokens.get(sequence) ?? 0) + 1);
  }
  t.same([tokens.get(older), tokens.get(newer)], [60, 60]);
  t.equal(older!.preemptions, 0);
  t.ok(newer!.preemptions > 0);
  t.equal(newer!.cachedTokens, 0, 'what it found after a preemption is not reported');
  t.end();
});

test('a step takes what the preset says', (t) => {
  const engine = makeEngine(2000);
  engine.add(request(1000, 3), 0);
  const prefill = { prefillTokens: 1000, attentionTokens: 1000 * 500, decodes: 0, contextTokens: 0 };
  t.equal(engine.step(0).durationS, stepDurationS(preset, prefill));
  const decode = { prefillTokens: 0, attentionTokens: 0, decodes: 1, contextTokens: 1000 };
  t.equal(engine.step(1).durationS, stepDurationS(preset, decode));
  t.end();
});

test('a request can be scheduled only after its time to arrive', (t) => {
  const engine = makeEngine(2000, { arrivalS: 0.1 });
  engine.add(request(100), 5);
  t.equal(engine.wakeAtS(5), 5.1);
  t.equal(engine.step(5.05).durationS, 0);
  t.equal(engine.step(5.1).produced.length, 1);
  t.end();
});

test('whatever happens, every request ends and every block comes back', (t) => {
  const arrival = fc.record({
    prompt: fc.integer({ min: 1, max: 300 }),
    output: fc.integer({ min: 1, max: 100 }),
    split: fc.integer({ min: 0, max: 300 }),
    atS: fc.integer({ min: 0, max: 40 }),
    leaves: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(arrival, { minLength: 1, maxLength: 25 }), (arrivals) => {
      const engine = makeEngine(1 + 30, { stepTokensMax: 64, runningMax: 4 });
      const pending = arrivals.toSorted((a, b) => a.atS - b.atS);
      const sequences: Sequence<EngineRequest>[] = [];
      let nowS = 0;
      for (let steps = 0; steps < 20_000; steps++) {
        while (pending.length > 0 && pending[0]!.atS <= nowS) {
          const { prompt, output, split, leaves } = pending.shift()!;
          if (leaves && sequences.length > 0) engine.abort(sequences.at(-1)!);
          sequences.push(engine.add(request(prompt, output, split, prompt), nowS));
        }
        const wakeS = engine.wakeAtS(nowS);
        if (wakeS === Infinity && pending.length === 0) break;
        nowS = wakeS === Infinity ? pending[0]!.atS : wakeS + Math.max(engine.step(wakeS).durationS, 0);
      }
      return engine.usage === 0 && sequences.every(({ state }) => state === 'done');
    }),
    { numRuns: 100 },
  );
  t.pass('100 histories');
  t.end();
});
