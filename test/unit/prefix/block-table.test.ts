import * as fc from 'fast-check';
import { test } from 'tap';
import { BlockTable } from '../../../src/prefix/block-table.ts';

const STRIDE = 3;
const VALUE = 2;

/** Few low halves, so that long runs of slots form and entries differ in the high half alone. */
const hash = fc.record({ low: fc.integer({ min: -12, max: 12 }), high: fc.integer({ min: 0, max: 30 }) });

test('a block table agrees with a map under any sequence of insertions and removals', async () => {
  const step = fc.record({ hash, value: fc.integer() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
      const table = new BlockTable(STRIDE);
      const map = new Map<string, { low: number; high: number; value: number }>();
      for (const { hash, value } of steps) {
        const name = `${hash.low} ${hash.high}`;
        const entry = table.find(hash.low, hash.high);
        if ((entry !== 0) !== map.has(name)) return false;
        if (entry === 0) {
          const inserted = table.insert(hash.low, hash.high);
          if (table.fields[inserted + VALUE] !== 0) return false;
          table.fields[inserted + VALUE] = value;
          map.set(name, { ...hash, value });
        } else {
          table.remove(entry);
          map.delete(name);
        }
      }
      if (table.size !== map.size) return false;
      return [...map.values()].every(({ low, high, value }) => table.fields[table.find(low, high) + VALUE] === value);
    }),
    { numRuns: 200 },
  );
});

test('a block table that grew finds everything it held, and gives the memory back when cleared', async (t) => {
  const table = new BlockTable(STRIDE);
  const bytes = table.bytes;
  for (let i = 1; i <= 5_000; i++) {
    const entry = table.insert(i, -i);
    table.fields[entry + VALUE] = i;
  }
  t.equal(table.size, 5_000);
  let wrong = 0;
  for (let i = 1; i <= 5_000; i++) if (table.fields[table.find(i, -i) + VALUE] !== i) wrong++;
  t.equal(wrong, 0);
  t.equal(table.find(1, 1), 0);
  table.clear();
  t.equal(table.size, 0);
  t.equal(table.find(1, -1), 0);
  t.equal(table.bytes, bytes);
});

test('a block table reuses the place of what was removed', async (t) => {
  const table = new BlockTable(STRIDE);
  table.insert(0, 0);
  const bytes = table.bytes;
  for (let i = 1; i <= 5_000; i++) table.remove(table.insert(i, i));
  t.equal(table.bytes, bytes);
  t.equal(table.size, 1);
});

test('a block table gives the memory back with its last entry', async (t) => {
  const table = new BlockTable(STRIDE);
  const bytes = table.bytes;
  for (let round = 0; round < 2; round++) {
    const entries = Array.from({ length: 5_000 }, (_, i) => table.insert(i, -i));
    t.ok(table.bytes > bytes);
    for (const entry of entries.slice(1)) table.remove(entry);
    t.equal(table.find(0, -0), entries[0], 'an entry stays where it is');
    t.ok(table.bytes > bytes);
    table.remove(entries[0]!);
    t.equal(table.size, 0);
    t.equal(table.bytes, bytes);
  }
});

test('a block is found beside whatever entry, or nothing, as it is found by itself', async () => {
  const block = fc.nat(19);
  const step = fc.record({ block, before: block, isRemoved: fc.boolean() });
  const chain = { length: 20, hashes: Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? i % 6 : Math.floor(i / 12))), ends: [], marks: [] };
  const model = { low: 0, high: 0 };
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const table = new BlockTable(STRIDE);
      for (const { block, before, isRemoved } of steps) {
        const entry = table.findBlock(chain, model, block);
        if (isRemoved && entry !== 0) table.remove(entry);
        if (!isRemoved && entry === 0) table.insert(chain.hashes[2 * block]!, chain.hashes[2 * block + 1]!);
        for (let i = 0; i < chain.length; i++) {
          if (table.findBeside(table.findBlock(chain, model, before), chain, model, i) !== table.findBlock(chain, model, i)) return false;
        }
      }
      return true;
    }),
    { numRuns: 200 },
  );
});
