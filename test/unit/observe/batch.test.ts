import { test } from 'tap';
import { Batch } from '../../../src/observe/batch.ts';

test('whatever is added is worked on once, in its order, at the latest when it is flushed', async (t) => {
  const done: number[] = [];
  const batch = new Batch<number>((item) => void done.push(item));
  const added: number[] = [];
  let most = 0;
  for (let i = 0; i < 1000; i += 1) {
    batch.add(i);
    added.push(i);
    most = Math.max(most, added.length - done.length);
    if (i % 97 === 0) {
      batch.flush();
      t.same(done, added);
    }
  }
  batch.flush();
  batch.flush();
  t.same(done, added);
  t.ok(most > 1 && most < 100, `at most ${most} wait`);
});

test('what is added while others are worked on is worked on later', async (t) => {
  const done: number[] = [];
  const batch = new Batch<number>((item) => {
    done.push(item);
    if (item < 3) batch.add(item + 1);
  });
  batch.add(1);
  for (const upTo of [[1], [1, 2], [1, 2, 3], [1, 2, 3]]) {
    batch.flush();
    t.same(done, upTo);
  }
});
