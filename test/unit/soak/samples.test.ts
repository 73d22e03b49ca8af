import { test } from 'tap';
import { flatnessOf, sampleOf, type Sample } from '../../../bench/soak/samples.ts';

function samples(heap: (at: number) => number): Sample[] {
  return Array.from({ length: 30 }, (_, at) => ({ heapMib: heap(at), residentMib: 100, sockets: 50, timers: 5, inFlight: 20 }));
}

function isHeapFlat(heap: (at: number) => number): boolean {
  return flatnessOf(samples(heap))[0]!.flat;
}

test('what grows in the beginning and then stays is flat, what goes on growing is not', (t) => {
  t.ok(isHeapFlat((at) => Math.min(at, 8) * 10));
  t.ok(isHeapFlat((at) => 50 + (at % 3)));
  t.ok(isHeapFlat((at) => 100 - at));
  t.notOk(isHeapFlat((at) => 50 + at));
  t.notOk(isHeapFlat((at) => (at < 20 ? 50 : 60)));
  t.throws(() => flatnessOf([]), /too few samples/);
  t.end();
});

test('a metric that is not there is an error, not a flat line', (t) => {
  const weighed = { heapBytes: 2 ** 21, residentBytes: 2 ** 22, timers: 1, sockets: 2 };
  t.throws(() => sampleOf(weighed, new Map([['process_resident_memory_bytes', 1]])), /no metric warmroute_in_flight/);
  t.same(sampleOf(weighed, new Map([['warmroute_in_flight_requests{endpoint="a"}', 3], ['warmroute_in_flight_requests{endpoint="b"}', 4]])), { heapMib: 2, residentMib: 4, timers: 1, sockets: 2, inFlight: 7 });
  t.end();
});
