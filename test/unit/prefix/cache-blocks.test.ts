// cache-blocks.test.ts: whatever comes, is evicted, comes back or is withdrawn leaves no trace when it is gone.

import * as fc from 'fast-check';
import { test } from 'tap';
import { CacheBlocks } from '../../../src/prefix/cache-blocks.ts';
import { SharedBlocks } from '../../../src/prefix/shared-blocks.ts';

const NAMES = 8;
const SIZE_MAX = 40;

const size = fc.integer({ min: 1, max: SIZE_MAX });
const name = fc.nat(NAMES - 1);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('dispatch' as const), name, size }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('confirm' as const), name, size }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('end' as const), name }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop' as const), name }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('grow' as const), size: fc.integer({ min: -SIZE_MAX, max: SIZE_MAX }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('capacity' as const), size: fc.nat(4 * SIZE_MAX) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Each name is a block of its own. */
class House {
  readonly shared = new SharedBlocks(1_000);
  readonly blocks = new CacheBlocks(this.shared, 0);
  readonly #pins = Array.from({ length: NAMES }, () => 0);
  #growing = 0;

  apply(step: Step): void {
    const { blocks } = this;
    if (step.kind === 'capacity') blocks.capacity = step.size;
    else if (step.kind === 'grow') this.#grow(Math.max(step.size, -this.#growing));
    else if (step.kind === 'dispatch') {
      blocks.pin(blocks.obtain(step.name + 1, 1, step.size));
      this.#pins[step.name]! += 1;
      blocks.settle();
    } else if (step.kind === 'confirm') {
      blocks.confirm(blocks.obtain(step.name + 1, 1, step.size), 0, step.size);
      blocks.settle();
    } else if (this.#pins[step.name]! > 0) {
      if (step.kind === 'end') this.#end(step.name);
    } else if (step.kind === 'drop') blocks.drop(step.name + 1, 1);
  }

  endAll(): void {
    this.#grow(-this.#growing);
    for (let name = 0; name < NAMES; name += 1) while (this.#pins[name]! > 0) this.#end(name);
  }

  #grow(size: number): void {
    this.#growing += size;
    this.blocks.grow(size);
  }

  /** A block that was spared takes a place in the list again. */
  #end(name: number): void {
    const { blocks } = this;
    const block = blocks.find(name + 1, 1);
    this.#pins[name]! -= 1;
    if (blocks.unpin(block)) blocks.confirm(block, blocks.confirmedAt(block), blocks.sizeOf(block));
    blocks.settle();
  }
}

test('what is gone, however it went, is counted nowhere', async () => {
  fc.assert(
    fc.property(fc.nat(4 * SIZE_MAX), fc.array(step, { maxLength: 80 }), (capacity, steps) => {
      const house = new House();
      house.blocks.capacity = capacity;
      for (const step of steps) house.apply(step);
      house.endAll();
      house.blocks.capacity = 0;
      const { blocks, shared } = house;
      return blocks.size === 0 && blocks.count === 0 && blocks.inUse === 0 && blocks.table.size === 0 && blocks.recency.younger(0) === 0 && shared.entries === 0;
    }),
    { numRuns: 1000 },
  );
});

test('what is there and what was evicted lately are counted at their sizes, and the bounds hold for what is not in use', async () => {
  fc.assert(
    fc.property(fc.nat(4 * SIZE_MAX), fc.array(step, { maxLength: 80 }), (capacity, steps) => {
      const house = new House();
      const { blocks } = house;
      blocks.capacity = capacity;
      for (const step of steps) {
        house.apply(step);
        let held = 0;
        let pinned = 0;
        let count = 0;
        for (let name = 0; name < NAMES; name += 1) {
          const block = blocks.find(name + 1, 1);
          if (block === 0) continue;
          count += 1;
          held += blocks.sizeOf(block);
          if (blocks.isPinned(block)) pinned += blocks.sizeOf(block);
        }
        const growing = blocks.inUse - pinned;
        if (count !== blocks.count || held + growing !== blocks.size || blocks.size > Math.max(blocks.capacity, blocks.inUse)) return false;
      }
      return true;
    }),
    { numRuns: 500 },
  );
});

test('what is cleared is no ghost, not even of a request that came after', async (t) => {
  const blocks = new CacheBlocks(undefined, 0);
  blocks.capacity = 10;
  for (const name of [1, 2]) blocks.confirm(blocks.obtain(name, 1, 8), 0, 8);
  blocks.settle();
  blocks.pin(blocks.obtain(1, 1, 8));
  blocks.clear();
  const later = blocks.obtain(3, 1, 8);
  blocks.pin(later);
  blocks.unpin(later);
  t.equal(blocks.table.size, 0);
});
