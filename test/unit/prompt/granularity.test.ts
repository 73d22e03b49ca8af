import { test } from 'tap';
import { granularityErrors } from '../../../bench/choice/granularity.ts';
import type { Shape } from '../../../bench/choice/prompts.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { createPromptReader } from '../../../src/prompt/read.ts';

test('blocks say to within 1 % of the prompt how much of it another one shares', (t) => {
  const reader = createPromptReader({ secret: new Uint8Array(32).fill(7) });
  const random = seededRandom(5);
  for (const shape of ['document', 'conversation'] satisfies Shape[]) {
    for (const bytes of [4_096, 32_768]) {
      const errors = granularityErrors(reader, random, shape, bytes, 60);
      const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
      t.ok(mean > 0 && mean <= 0.01, `${shape} of ${bytes} bytes: ${mean}`);
    }
  }
  t.end();
});
