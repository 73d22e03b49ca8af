// recent-requests.test.ts: counting within a window that moves.

import * as fc from 'fast-check';
import { test } from 'tap';
import { RecentRequests } from '../../../src/pool/recent-requests.ts';

test('counts are those of the ten slots that end with the present one', async () => {
  const step = fc.record({ passed: fc.oneof(fc.nat(300), fc.nat(3000)), failed: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const recent = new RecentRequests();
      const all: { slot: number; failed: boolean }[] = [];
      let nowMs = 0;
      for (const { passed, failed } of steps) {
        nowMs += passed;
        recent.note(failed, nowMs, 1000);
        const slot = Math.floor(nowMs / 100);
        all.push({ slot, failed });
        const within = all.filter((each) => slot - each.slot < 10);
        if (recent.requests !== within.length || recent.failed !== within.filter((each) => each.failed).length) return false;
      }
      return true;
    }),
  );
});

test('another window begins anew', async (t) => {
  const recent = new RecentRequests();
  recent.note(true, 5000, 1000);
  recent.note(true, 5000, 2000);
  t.equal(recent.requests, 1);
});
