import { test } from 'tap';
import { pressures } from '../../../src/balance/pressure.ts';

test('a cache with room has no pressure, up to the last token', async (t) => {
  t.strictSame(
    pressures([
      { roomTokens: 100, insertedTokens: 100, tailAgeMs: 5 },
      { roomTokens: 99, insertedTokens: 100, tailAgeMs: 5 },
    ]),
    [0, 1],
  );
});

test('among full caches the one with the youngest tail has all the pressure, the others by their age', async (t) => {
  const full = { roomTokens: 0, insertedTokens: 100 };
  t.strictSame(
    pressures([
      { ...full, tailAgeMs: 4_000 },
      { ...full, tailAgeMs: 1_000 },
      { roomTokens: 500, insertedTokens: 100, tailAgeMs: 10 },
      { ...full, tailAgeMs: 2_000 },
    ]),
    [0.25, 1, 0, 0.5],
  );
});

test('tails younger than a millisecond count as a millisecond old', async (t) => {
  const full = { roomTokens: 0, insertedTokens: 100 };
  t.strictSame(pressures([{ ...full, tailAgeMs: 0 }, { ...full, tailAgeMs: 0.5 }, { ...full, tailAgeMs: 4 }]), [1, 1, 0.25]);
});

test('a cache that is too small and empty evicts nothing', async (t) => {
  const full = { roomTokens: 10, insertedTokens: 100 };
  t.strictSame(pressures([{ ...full, tailAgeMs: Infinity }, { ...full, tailAgeMs: 50 }]), [0, 1]);
  t.strictSame(pressures([{ ...full, tailAgeMs: Infinity }]), [0]);
  t.strictSame(pressures([]), []);
});
