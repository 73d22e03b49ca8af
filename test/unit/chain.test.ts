import { test } from 'tap';
import { commonBlocks } from '../../src/core/chain.ts';
import { seededRandom } from '../../src/core/random.ts';
import { chainOf } from './prefix/conversation.ts';

test('two chains have the blocks in common up to where their texts part, or one ends', async (t) => {
  const random = seededRandom(3);
  const letters = (count: number): string => Array.from({ length: count }, () => 'abcuUmM'.charAt(Math.floor(7 * random()))).join('');
  for (let i = 0; i < 1000; i += 1) {
    const shared = letters(Math.floor(20 * random()));
    const [a, b] = [shared + letters(Math.floor(4 * random())), shared + letters(Math.floor(4 * random()))];
    let common = 0;
    while (common < Math.min(a.length, b.length) && a[common] === b[common]) common += 1;
    if (commonBlocks(chainOf(a), chainOf(b)) !== common) t.fail(`${a} and ${b}`);
  }
  t.equal(commonBlocks(chainOf(''), chainOf('ab')), 0);
});
