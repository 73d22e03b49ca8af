// Pieces of any sizes come out as one, and small ones are not kept as they came.

import * as fc from 'fast-check';
import { test } from 'tap';
import { GatheredBytes, withPiece } from '../../../src/proxy/gathered-bytes.ts';

test('what comes in pieces comes out as a whole, at any time', (t) => {
  const size = fc.oneof(fc.nat(3), fc.nat(300), fc.nat(9_000), fc.constantFrom(4_095, 4_096, 65_536, 70_000));
  fc.assert(
    fc.property(fc.array(size, { maxLength: 60 }), (sizes) => {
      const gathered = new GatheredBytes();
      const pieces: Buffer[] = [];
      for (const [i, length] of sizes.entries()) {
        const piece = Buffer.alloc(length, i + 1);
        pieces.push(piece);
        gathered.add(piece);
        if (i % 7 === 0 && !gathered.whole().equals(Buffer.concat(pieces))) return false;
      }
      return gathered.length === Buffer.concat(pieces).length && gathered.whole().equals(Buffer.concat(pieces));
    }),
  );
  t.end();
});

test('what comes in one piece is not copied, and of many small ones none is kept', (t) => {
  const one = Buffer.from('one');
  const alone = new GatheredBytes();
  alone.add(one);
  t.equal(alone.whole(), one);
  const many = new GatheredBytes();
  const pieces = Array.from({ length: 1_000 }, () => Buffer.from('x'));
  for (const piece of pieces) many.add(piece);
  for (const piece of pieces.slice(1)) piece.fill('y');
  t.equal(many.whole().toString(), 'x'.repeat(1_000));
  t.end();
});

test('many small pieces become few, and all of them stay', (t) => {
  let pieces: Buffer[] = [];
  let most = 0;
  for (let i = 0; i < 200_000; i += 1) {
    pieces = withPiece(pieces, Buffer.of(i & 0xff));
    most = Math.max(most, pieces.length);
  }
  t.ok(most <= 256, `${most} pieces`);
  t.ok(Buffer.concat(pieces).equals(Buffer.from(Array.from({ length: 200_000 }, (_, i) => i & 0xff))));
  t.ok(pieces.every(({ length }) => length <= 65_536), 'so that one of them can be dropped');
  t.end();
});
