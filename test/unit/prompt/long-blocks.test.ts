// long-blocks.test.ts: blocks that are longer than what is hashed at a time, as they are behind many pictures.

import * as fc from 'fast-check';
import { test } from 'tap';
import type { Chain } from '../../../src/core/chain.ts';
import { ChainWriter } from '../../../src/prompt/chain-writer.ts';
import { PIECE } from '../../../src/prompt/piece.ts';
import { FINE_BLOCKS, stepBytes } from '../../../src/prompt/step.ts';
import { isSame, sharedBytes } from './reading.ts';

const writer = new ChainWriter(new Uint8Array(32).fill(3));

/** So many that from here on a block has 131,072 bytes, and the window 65,536. */
const PICTURES = FINE_BLOCKS;
const PICTURE_BYTES = 8_192;
const TEXT_FROM = PICTURES * PICTURE_BYTES;
const STEP_BYTES = stepBytes(TEXT_FROM, PICTURES);

const characters = fc.array(fc.tuple(fc.constantFrom('x', 'é', '漢', '😀', '\uD800'), fc.nat(120_000)), { minLength: 1, maxLength: 4 }).map((runs) => runs.map(([character, count]) => character.repeat(count)).join('y'));
const ids = fc.array(fc.tuple(fc.nat(9), fc.nat(60_000)), { minLength: 1, maxLength: 4 }).map((runs) => runs.flatMap(([id, count]) => Array<number>(count).fill(id)));

/** Behind `notes` bytes of notes the window is filled differently where it is not begun anew. */
function behindPictures(content: string | readonly number[], notes = 4, anew = true): Chain {
  writer.begin();
  writer.note(PIECE.argument, 'k'.repeat(notes));
  const noted = writer.noted();
  if (anew) writer.begin(noted);
  for (let i = 0; i < PICTURES; i += 1) writer.opaque(PIECE.media, 'm', PICTURE_BYTES);
  if (typeof content === 'string') writer.text(PIECE.text, content);
  else writer.tokens(content);
  writer.endMessage();
  return writer.finish();
}

test('blocks longer than the window are what they are, wherever the window ends', { timeout: 60_000 }, (t) => {
  fc.assert(
    fc.property(fc.oneof(characters, ids), fc.integer({ min: 1, max: 65_536 }), (content, notes) => isSame(behindPictures(content, notes), behindPictures(content, notes, false))),
    { numRuns: 40 },
  );
  t.end();
});

test('long blocks are cut alike up to the place where the prompt changes, and none behind it is shared', { timeout: 60_000 }, (t) => {
  const shares = (one: string | readonly number[], other: string | readonly number[], common: number): boolean => {
    const shared = sharedBytes(behindPictures(one), behindPictures(other)) - TEXT_FROM;
    return shared <= common && shared >= common - STEP_BYTES - 2 * (common >> 9) - 8;
  };
  fc.assert(
    fc.property(characters, characters, (start, more) => shares(`${start}1${more}`, `${start}2${more}`, Buffer.byteLength(start))),
    { numRuns: 40 },
  );
  fc.assert(
    fc.property(ids, ids, (start, more) => shares([...start, 101, ...more], [...start, 102, ...more], 4 * start.length)),
    { numRuns: 40 },
  );
  t.end();
});

test('a long block ends where it is due', { timeout: 60_000 }, (t) => {
  const { ends, length } = behindPictures('x'.repeat(3 * STEP_BYTES));
  let end = TEXT_FROM;
  for (let block = PICTURES; block < length - 1; block += 1) {
    end += (stepBytes(end, block) + 3) & ~3;
    t.equal(ends[block], end, `block ${block}`);
  }
  t.equal(length, PICTURES + 3);
  t.end();
});
