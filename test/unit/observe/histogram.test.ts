import * as fc from 'fast-check';
import { Histogram, Registry } from 'prom-client';
import { test } from 'tap';

import { createHistogram, type Tally } from '../../../src/observe/histogram.ts';

const NAME = 'a_histogram';
const HELP = 'Of something.';
const BUCKETS = [0, 0.1, 1, 2.5];

test('a histogram prints what prom-client prints for the same observations', async (t) => {
  const value = fc.oneof(fc.constantFrom(...BUCKETS), fc.double({ min: -1, max: 10, noNaN: true }));
  const observation = fc.record({ listener: fc.constantFrom('prefix', 'plain "quoted"\n'), value });
  await fc.assert(
    fc.asyncProperty(fc.array(observation, { maxLength: 50 }), async (observations) => {
      const ours = new Registry();
      const theirs = new Registry();
      const series = createHistogram(ours, { name: NAME, help: HELP, buckets: BUCKETS });
      const histogram = new Histogram({ name: NAME, help: HELP, buckets: BUCKETS, labelNames: ['listener'], registers: [theirs] });
      const tallies = new Map<string, Tally>();
      for (const { listener, value } of observations) {
        const tally = tallies.get(listener) ?? series({ listener });
        tallies.set(listener, tally);
        tally.observe(value);
        histogram.observe({ listener }, value);
      }
      return (await ours.metrics()) === (await theirs.metrics());
    }),
  );
  t.pass('for any observations');
});

test('a series without observations is not there', async (t) => {
  const registry = new Registry();
  createHistogram(registry, { name: NAME, help: HELP, buckets: BUCKETS })({ listener: 'prefix' });
  t.equal(await registry.metrics(), `# HELP ${NAME} ${HELP}\n# TYPE ${NAME} histogram\n`);
});
