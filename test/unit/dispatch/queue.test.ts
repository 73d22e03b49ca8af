// The queue against a list that is searched, with random operations.

import * as fc from 'fast-check';
import { test } from 'tap';
import { Queue, type QueueLimits, type Waiter } from '../../../src/dispatch/queue.ts';
import type { Criticality } from '../../../src/core/request.ts';

const LIMITS: QueueLimits = { queueLengthMax: 4, queueBytesMax: 100, queueWaitMaxMs: 50 };
const ORDER: readonly Criticality[] = ['critical', 'standard', 'sheddable'];

type Operation = { readonly kind: 'add'; readonly criticality: Criticality; readonly bytes: number } | { readonly kind: 'remove'; readonly nth: number } | { readonly kind: 'pass'; readonly ms: number };

const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), criticality: fc.constantFrom(...ORDER), bytes: fc.integer({ min: 0, max: 60 }) }),
  fc.record({ kind: fc.constant('remove' as const), nth: fc.nat(5) }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(30) }),
);

function waiter(criticality: Criticality, bytes: number, sinceMs: number): Omit<Waiter, 'ticket'> {
  return { ask: { facts: { kind: 'by-load' }, listener: 'x', excluded: [], bodyBytes: bytes }, criticality, place: 'p', sinceMs, settled() {} };
}

interface Entry {
  readonly ticket: number;
  readonly criticality: Criticality;
  readonly bytes: number;
  readonly sinceMs: number;
}

function fits(entries: readonly Entry[], bytes: number): boolean {
  return entries.length + 1 <= LIMITS.queueLengthMax && entries.reduce((sum, entry) => sum + entry.bytes, bytes) <= LIMITS.queueBytesMax;
}

/** Those that must go, newest of the least important first; undefined when all of them are not enough. */
function naiveDisplaced(entries: readonly Entry[], criticality: Criticality, bytes: number): number[] | undefined {
  const rank = (entry: Entry): number => ORDER.indexOf(entry.criticality);
  const victims = entries.filter((entry) => rank(entry) > ORDER.indexOf(criticality)).toSorted((a, b) => rank(b) - rank(a) || b.ticket - a.ticket);
  let left = entries;
  const gone: number[] = [];
  while (!fits(left, bytes)) {
    const victim = victims.shift();
    if (victim === undefined) return undefined;
    gone.push(victim.ticket);
    left = left.filter((entry) => entry !== victim);
  }
  return gone;
}

test('a queue behaves as a list that is searched', async (t) => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const queue = new Queue();
      let naive: Entry[] = [];
      let nowMs = 0;
      for (const each of operations) {
        if (each.kind === 'pass') nowMs += each.ms;
        else if (each.kind === 'remove') {
          const ticket = naive[each.nth]?.ticket ?? -1;
          if (queue.remove(ticket) !== naive.some((entry) => entry.ticket === ticket)) return false;
          naive = naive.filter((entry) => entry.ticket !== ticket);
        } else {
          const expected = naiveDisplaced(naive, each.criticality, each.bytes);
          const added = queue.add(waiter(each.criticality, each.bytes, nowMs), LIMITS);
          if ((added === undefined) !== (expected === undefined)) return false;
          if (added === undefined || expected === undefined) continue;
          if (added.displaced.map(({ ticket }) => ticket).join() !== expected.join()) return false;
          naive = naive.filter(({ ticket }) => !expected.includes(ticket));
          naive.push({ ticket: added.ticket, criticality: each.criticality, bytes: each.bytes, sinceMs: nowMs });
        }
        const inOrder = ORDER.flatMap((criticality) => naive.filter((entry) => entry.criticality === criticality));
        const overdue = inOrder.filter(({ sinceMs }) => nowMs - sinceMs >= LIMITS.queueWaitMaxMs);
        if ([...queue.inOrder()].map(({ ticket }) => ticket).join() !== inOrder.map(({ ticket }) => ticket).join()) return false;
        if (queue.expired(nowMs, LIMITS).map(({ ticket }) => ticket).join() !== overdue.map(({ ticket }) => ticket).join()) return false;
        if (queue.length !== naive.length || queue.bytes !== naive.reduce((sum, { bytes }) => sum + bytes, 0)) return false;
        if (queue.longestMs(nowMs) !== Math.max(0, ...naive.map(({ sinceMs }) => nowMs - sinceMs))) return false;
      }
      return true;
    }),
  );
  t.pass();
});
