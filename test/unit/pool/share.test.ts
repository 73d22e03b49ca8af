// share.test.ts: what an endpoint takes of its full share, over time.

import { test } from 'tap';
import { Share } from '../../../src/pool/share.ts';

test('a full queue halves the share each time, to a tenth at least, and it is whole again 10 s later', async (t) => {
  const share = new Share();
  t.equal(share.at(0, 1000), 1);
  for (const expected of [0.5, 0.25, 0.125, 0.1, 0.1]) {
    share.noteOverloaded(1000);
    t.equal(share.at(1000, 1000), expected);
  }
  t.equal(share.at(6000, 1000).toFixed(3), '0.550');
  t.equal(share.at(10_999, 1000) < 1, true);
  t.equal(share.at(11_000, 1000), 1);
  share.noteOverloaded(6000);
  t.equal(share.at(6000, 1000).toFixed(3), '0.275', 'half of what it had come back to');
});

test('of slow start and a full queue the smaller share counts, and who begins anew has no full queue', async (t) => {
  const share = new Share();
  share.begin(0, true);
  t.equal(share.at(0, 1000), 0.1);
  t.equal(share.at(500, 1000), 0.55);
  share.noteOverloaded(500);
  t.equal(share.at(500, 1000), 0.5);
  share.begin(600, false);
  t.equal(share.at(600, 1000), 1);
});
