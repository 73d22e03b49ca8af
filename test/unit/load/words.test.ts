// words.test.ts: texts whose length in tokens is known beforehand.

import { test } from 'tap';
import { wordsOf } from '../../../bench/load/words.ts';
import { tokenize } from '../../../bench/simulator/text/tokenizer.ts';

test('each word is one token of the simulator, of four bytes on average', (t) => {
  const text = wordsOf(7, 2000);
  t.equal(tokenize(text).length, 2000);
  t.ok(Math.abs(text.length / 2000 - 4) < 0.1);
  t.end();
});

test('fewer words of a seed begin more of them, and another seed has others', (t) => {
  t.ok(wordsOf(7, 200).startsWith(wordsOf(7, 100)));
  t.not(wordsOf(8, 100), wordsOf(7, 100));
  t.end();
});
