import { test } from 'tap';
import { modelKey } from '../../../src/prefix/model-key.ts';

test('names give different keys, the same name the same', async (t) => {
  const names = Array.from({ length: 20_000 }, (_, i) => `org/model-${i}`);
  const keys = new Set(names.map((name) => JSON.stringify(modelKey(name))));
  t.equal(keys.size, names.length);
  t.strictSame(modelKey('/model/qwen'), modelKey('/model/qwen'));
});

test('each half of the key alone tells names apart and is a signed 32-bit number', async (t) => {
  const keys = ['', 'a', 'b', 'ab', 'ba', 'a\u0000', '模型'].map(modelKey);
  t.equal(new Set(keys.map((key) => key.low)).size, keys.length);
  t.equal(new Set(keys.map((key) => key.high)).size, keys.length);
  t.ok(keys.every((key) => (key.low | 0) === key.low && (key.high | 0) === key.high));
});
