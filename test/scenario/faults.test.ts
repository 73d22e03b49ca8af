// Anything happens to endpoints, clients and the configuration, in virtual time from a seed; after every step the invariants hold.

import { t as suite, test } from 'tap';
import { FaultWorld } from './fault-world.ts';

const SEEDS = [1, 2, 3, 4, 5];
const TROUBLED_MS = 90_000;
/** Longer than any limit in time. */
const CALM_MS = 30_000;
/** For a machine on which everything else runs too. */
const TIMEOUT_MS = 120_000;

suite.setTimeout(3 * TIMEOUT_MS);

async function play(seed: number): Promise<FaultWorld> {
  const world = new FaultWorld(seed);
  let steps = 0;
  const eachStep = (): void => {
    steps += 1;
    world.check();
  };
  try {
    await world.run(TROUBLED_MS, eachStep);
    world.calmDown();
    await world.run(CALM_MS, eachStep);
  } catch (error) {
    throw new Error(`seed ${seed}, step ${steps}: ${String(error)}`, { cause: error });
  }
  return world;
}

for (const seed of SEEDS) {
  test(`seed ${seed}: whatever happens, each request ends once, nothing is counted wrong, and who is out gets nothing`, { timeout: TIMEOUT_MS }, async (t) => {
    const world = await play(seed);
    t.comment(`seed ${seed}: ${world.accepted} requests, ${JSON.stringify(Object.fromEntries(world.ends))}`);
    t.equal(world.open, 0, `seed ${seed}: all have ended`);
    for (const end of ['complete', 'clean error', 'error event', 'client gone'] as const) t.ok(world.ends.get(end), `seed ${seed}: ${end}`);
  });
}

test('the same seed gives the same choices', { timeout: TIMEOUT_MS }, async (t) => {
  const [first, second] = [await play(1), await play(1)];
  t.ok(first.choices.length > 1000);
  t.same(first.choices, second.choices);
});
