// The block pool next to a naive one.

import * as fc from 'fast-check';
import { test } from 'tap';
import { BlockPool } from '../../../bench/simulator/engine/block-pool.ts';

/** The same rules with arrays and no thought of speed. */
class NaivePool {
  readonly free: number[];
  readonly keys = new Map<number, number>();
  readonly references = new Map<number, number>();
  /** Blocks in the order in which they got their key. */
  registered: number[] = [];

  constructor(blocks: number) {
    this.free = Array.from({ length: blocks - 1 }, (_, at) => at + 1);
  }

  match(keys: Float64Array, blocksMax: number): number[] {
    const found: number[] = [];
    for (const key of keys.slice(0, blocksMax)) {
      const block = this.registered.find((candidate) => this.keys.get(candidate) === key);
      if (block === undefined) break;
      found.push(block);
    }
    return found;
  }

  reuse(block: number): void {
    const at = this.free.indexOf(block);
    if (at !== -1) this.free.splice(at, 1);
    this.references.set(block, (this.references.get(block) ?? 0) + 1);
  }

  take(): number {
    const block = this.free.shift()!;
    this.forget(block);
    this.references.set(block, 1);
    return block;
  }

  register(block: number, key: number): void {
    this.forget(block);
    this.keys.set(block, key);
    this.registered.push(block);
  }

  release(blocks: readonly number[]): void {
    for (const block of blocks.toReversed()) {
      const references = this.references.get(block)! - 1;
      this.references.set(block, references);
      if (references > 0) continue;
      if (this.keys.has(block)) this.free.push(block);
      else this.free.unshift(block);
    }
  }

  flush(): void {
    this.keys.clear();
    this.registered = [];
  }

  forget(block: number): void {
    this.keys.delete(block);
    this.registered = this.registered.filter((one) => one !== block);
  }
}

/** A request as the pool sees one: reuses what is there, takes the rest, registers the full blocks. */
function hold(pool: BlockPool | NaivePool, keys: Float64Array, extra: number, free: number): number[] | undefined {
  const hits = pool.match(keys, keys.length);
  if (keys.length - hits.length + extra + hits.length > free) return undefined;
  for (const block of hits) pool.reuse(block);
  const taken = Array.from({ length: keys.length - hits.length + extra }, () => pool.take());
  const blocks = [...hits, ...taken];
  for (let at = hits.length; at < keys.length; at++) pool.register(blocks[at]!, keys[at]!);
  return blocks;
}

test('the block pool does what a naive pool does, whatever comes and goes', (t) => {
  const start = fc.record({
    kind: fc.constant('start' as const),
    family: fc.integer({ min: 0, max: 3 }),
    full: fc.integer({ min: 0, max: 6 }),
    extra: fc.integer({ min: 0, max: 1 }),
    deaf: fc.boolean(),
  });
  const end = fc.record({ kind: fc.constant('end' as const), at: fc.nat() });
  const flush = fc.record({ kind: fc.constant('flush' as const) });
  const operations = fc.array(fc.oneof({ weight: 6, arbitrary: start }, { weight: 5, arbitrary: end }, { weight: 1, arbitrary: flush }), { maxLength: 80 });
  fc.assert(
    fc.property(operations, (steps) => {
      const pool = new BlockPool(16);
      const naive = new NaivePool(16);
      const held: number[][] = [];
      for (const step of steps) {
        if (step.kind === 'flush') {
          pool.flush();
          naive.flush();
        } else if (step.kind === 'end') {
          if (held.length === 0) continue;
          const [blocks] = held.splice(step.at % held.length, 1);
          pool.release(blocks!);
          naive.release(blocks!);
        } else {
          // Families share their first two blocks, so that chains branch; a deaf one looks nothing up and makes twins.
          const keys = Float64Array.from({ length: step.full }, (_, at) => (at < 2 ? at : step.family * 100 + at));
          if (pool.freeBlocks !== naive.free.length) return false;
          const lookup = step.deaf ? new Float64Array(0) : keys;
          if (String(pool.match(lookup, 9)) !== String(naive.match(lookup, 9))) return false;
          if (step.deaf) {
            if (step.full > pool.freeBlocks) continue;
            const ours = Array.from({ length: step.full }, () => pool.take());
            const theirs = Array.from({ length: step.full }, () => naive.take());
            if (String(ours) !== String(theirs)) return false;
            ours.forEach((block, at) => {
              pool.register(block, keys[at]!);
              naive.register(block, keys[at]!);
            });
            held.push(ours);
            continue;
          }
          const ours = hold(pool, keys, step.extra, pool.freeBlocks);
          const theirs = hold(naive, keys, step.extra, naive.free.length);
          if (String(ours) !== String(theirs)) return false;
          if (ours !== undefined) held.push(ours);
        }
      }
      return pool.freeBlocks === naive.free.length;
    }),
    { numRuns: 500 },
  );
  t.pass('500 histories');
  t.end();
});

test('the null block is never given out', (t) => {
  const pool = new BlockPool(4);
  t.same([pool.take(), pool.take(), pool.take()], [1, 2, 3]);
  t.throws(() => pool.take());
  t.end();
});
