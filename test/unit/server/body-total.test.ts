// How many bytes of bodies are held.

import * as fc from 'fast-check';
import { test } from 'tap';
import { BodyTotal } from '../../../src/server/body-total.ts';

test('what is held counts until it is given back, once', (t) => {
  const total = new BodyTotal();
  const [a, b] = [total.hold(), total.hold()];
  t.equal(a.add(60, 100), true);
  t.equal(b.add(40, 100), true, 'up to the limit');
  t.equal(b.add(1, 100), false);
  t.equal(total.bytes, 101);
  b.release();
  b.release();
  t.equal(total.bytes, 60);
  t.equal(b.add(50, 100), true, 'a request that is over holds nothing');
  t.equal(total.bytes, 60);
  a.release();
  t.equal(total.bytes, 0);
  t.end();
});

test('in any order of coming and going the total is the sum of what is held, and 0 at the end', (t) => {
  const step = fc.record({ at: fc.nat({ max: 4 }), bytes: fc.option(fc.nat({ max: 1000 }), { nil: undefined }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      const total = new BodyTotal();
      const requests = Array.from({ length: 5 }, () => ({ held: total.hold(), bytes: 0, over: false }));
      for (const { at, bytes } of steps) {
        const request = requests[at]!;
        if (bytes === undefined) {
          request.held.release();
          Object.assign(request, { bytes: 0, over: true });
        } else {
          const sum = total.bytes + (request.over ? 0 : bytes);
          if (request.held.add(bytes, 2000) !== (request.over || sum <= 2000)) return false;
          if (!request.over) request.bytes += bytes;
        }
        if (total.bytes !== requests.reduce((all, each) => all + each.bytes, 0)) return false;
      }
      for (const { held } of requests) held.release();
      return total.bytes === 0;
    }),
  );
  t.end();
});
