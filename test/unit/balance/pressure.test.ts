import { test } from 'tap';
import { pressures } from '../../../src/balance/pressure.ts';

const capacityTokens = 1000;

test('caches with room have the share that is filled beyond the emptiest one, up to the last token, while none is full', async (t) => {
  const tail = { capacityTokens, insertedTokens: 100, tailAgeMs: 5 };
  t.strictSame(pressures([{ ...tail, roomTokens: 1000 }, { ...tail, roomTokens: 250 }, { ...tail, roomTokens: 100 }]), [0, 0.75, 0.9]);
  t.strictSame(pressures([{ ...tail, roomTokens: 500 }, { ...tail, roomTokens: 250 }]), [0, 0.25]);
  t.strictSame(pressures([{ ...tail, roomTokens: 99 }]), [1]);
});

test('among full caches the one with the youngest tail has all the pressure, the others by their age', async (t) => {
  const full = { capacityTokens, roomTokens: 0, insertedTokens: 100 };
  t.strictSame(pressures([{ ...full, tailAgeMs: 4_000 }, { ...full, tailAgeMs: 1_000 }, { ...full, tailAgeMs: 2_000 }]), [0.25, 1, 0.5]);
});

test('a cache with room has its filled share of the least pressure of full ones', async (t) => {
  const full = { capacityTokens, roomTokens: 0, insertedTokens: 100 };
  t.strictSame(
    pressures([
      { ...full, tailAgeMs: 4_000 },
      { ...full, tailAgeMs: 1_000 },
      { ...full, roomTokens: 500, tailAgeMs: 10 },
      { ...full, roomTokens: 1000, tailAgeMs: Infinity },
    ]),
    [0.25, 1, 0.125, 0],
  );
});

test('tails younger than a millisecond count as a millisecond old', async (t) => {
  const full = { capacityTokens, roomTokens: 0, insertedTokens: 100 };
  t.strictSame(pressures([{ ...full, tailAgeMs: 0 }, { ...full, tailAgeMs: 0.5 }, { ...full, tailAgeMs: 4 }]), [1, 1, 0.25]);
});

test('a cache that is too small and empty evicts nothing', async (t) => {
  const empty = { capacityTokens: 10, roomTokens: 10, insertedTokens: 100, tailAgeMs: Infinity };
  t.strictSame(pressures([empty, { ...empty, roomTokens: 0, tailAgeMs: 50 }]), [0, 1]);
  t.strictSame(pressures([empty]), [0]);
  t.strictSame(pressures([]), []);
});

test('where more is held than fits the pressure is not above 1', async (t) => {
  const cache = { capacityTokens, insertedTokens: 100, tailAgeMs: Infinity };
  t.strictSame(pressures([{ ...cache, roomTokens: -200 }, { ...cache, roomTokens: 1000 }]), [1, 0]);
});

test('a cache of no size has no pressure', async (t) => {
  t.strictSame(pressures([{ capacityTokens: 0, roomTokens: 0, insertedTokens: 100, tailAgeMs: Infinity }]), [0]);
});
