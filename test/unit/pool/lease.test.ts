// lease.test.ts: the in-flight counter is the sum of the leases that are out, whatever the order.

import * as fc from 'fast-check';
import { test } from 'tap';
import { takeLease } from '../../../src/pool/lease.ts';
import { oneEndpoint } from './fixture.ts';

test('in-flight is the sum of the leases that are out, in every order of taking and returning', async () => {
  const step = fc.oneof(fc.record({ take: fc.integer({ min: 1, max: 64 }) }), fc.record({ giveBack: fc.nat() }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const { endpoint } = oneEndpoint();
      const out: { lease: ReturnType<typeof takeLease>; weight: number }[] = [];
      for (const each of steps) {
        if ('take' in each) out.push({ lease: takeLease(endpoint, each.take), weight: each.take });
        else out.splice(each.giveBack % (out.length + 1), 1)[0]?.lease.return();
        if (endpoint.inFlight !== out.reduce((sum, { weight }) => sum + weight, 0)) return false;
      }
      for (const { lease } of out) lease.return();
      return endpoint.inFlight === 0;
    }),
  );
});

test('a lease that is returned twice throws and leaves the counter alone', async (t) => {
  const { endpoint } = oneEndpoint();
  const other = takeLease(endpoint, 3);
  const lease = takeLease(endpoint, 2);
  lease.return();
  t.throws(() => lease.return(), { message: 'Lease on a:8000 returned twice' });
  t.equal(endpoint.inFlight, 3);
  other.return();
  t.equal(endpoint.inFlight, 0);
});

test('a lease without a whole positive weight is not given', async (t) => {
  const { endpoint } = oneEndpoint();
  for (const weight of [0, -1, 1.5, NaN]) t.throws(() => takeLease(endpoint, weight), RangeError);
  t.equal(endpoint.inFlight, 0);
});

test('the counter never falls below 0', async (t) => {
  const { endpoint } = oneEndpoint();
  t.throws(() => endpoint.giveBack(1, 0), /below 0/);
  t.equal(endpoint.inFlight, 0);
});
