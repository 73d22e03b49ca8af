import * as fc from 'fast-check';
import { test } from 'tap';
import { FROM_ASSISTANT, MESSAGE_END, chainBytes } from '../../../src/core/chain.ts';
import type { Chain } from '../../../src/core/chain.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { ChainWriter } from '../../../src/prompt/chain-writer.ts';
import { PIECE } from '../../../src/prompt/piece.ts';
import { chainOf, chatOf, isSame, readText, sharedBlocks, sharedBytes } from './reading.ts';

/** Short and long, with characters of one to four bytes, and halves of characters. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.array(fc.string({ minLength: 1, maxLength: 9, unit: fc.constantFrom('a', 'e', ' ', '\n', 'ß', '漢', '😀', '\uD800') }), { minLength: 20, maxLength: 200 }).map((words) => words.join(' ').repeat(9)),
);
const message = fc.tuple(fc.constantFrom('system', 'user', 'assistant', 'tool', 'critic'), text);
const messages = fc.array(message, { maxLength: 8 });

const writer = new ChainWriter(new Uint8Array(32).fill(3));

test('a conversation that grows keeps its blocks', (t) => {
  fc.assert(
    fc.property(messages, messages, (start, more) => {
      const before = chatOf(...start);
      return sharedBlocks(before, chatOf(...start, ...more)) === before.length;
    }),
    { numRuns: 300 },
  );
  t.end();
});

test('conversations share the blocks of the messages that they share, and none behind the message in which they differ', (t) => {
  fc.assert(
    fc.property(messages, message, message, messages, (start, one, other, more) => {
      fc.pre(one[0] !== other[0] || one[1].toWellFormed() !== other[1].toWellFormed());
      const a = chatOf(...start, one, ...more);
      const b = chatOf(...start, other, ...more);
      const common = chatOf(...start).length;
      const shared = sharedBlocks(a, b);
      return shared >= common && shared < Math.min(chatOf(...start, one).length, chatOf(...start, other).length);
    }),
    { numRuns: 300 },
  );
  t.end();
});

test('a text is cut alike up to the place where it changes', (t) => {
  fc.assert(
    fc.property(text, text, text, (start, one, other) => {
      const a = chatOf(['user', start + one]);
      const common = new TextEncoder().encode(`user${start}`).length;
      const shared = sharedBytes(a, chatOf(['user', start + other]));
      // At most one block and three bytes of a split character before the place, unless the texts go on alike.
      const stepMax = Math.max(96, Math.min(4_096, common >> 5)) + 8;
      return shared >= common - stepMax || start.length === 0;
    }),
    { numRuns: 300 },
  );
  t.end();
});

test('the order of keys and white space change nothing, whatever the values are', (t) => {
  const value = fc.jsonValue({ maxDepth: 4 });
  fc.assert(
    fc.property(fc.dictionary(fc.string(), value), fc.array(value), messages, (args, tools, turns) => {
      const body = { tools, chat_template_kwargs: args, messages: turns.map(([role, content]) => ({ role, content })) };
      const chain = chainOf('chat', body);
      return isSame(chain, chainOf('chat', reversed(body))) && isSame(chain, readText('chat', JSON.stringify(body, null, '\t')).prompts[0]);
    }),
    { numRuns: 200 },
  );
  t.end();
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, reversed(member)]),
  );
}

test('blocks grow with the prompt before them: 128 KB of text are fewer than 250, none a larger share than a thirty-second', (t) => {
  const chain = chatOf(['user', 'x'.repeat(131_072)]);
  t.ok(chain.length < 250, `${chain.length}`);
  let begin = 0;
  for (const end of chain.ends) {
    const step = end - begin;
    t.ok(step > 0 && step <= Math.max(96, Math.min(4_096, begin / 32)) + 4, `${begin} to ${end}`);
    begin = end;
  }
  t.equal(chatOf(['user', 'x'.repeat(1_000_000)]).ends.at(-1), 1_000_004);
  t.end();
});

test('a text longer than the window hashes each of its bytes', (t) => {
  const long = Array.from({ length: 400_000 }, (_, i) => String.fromCharCode(97 + ((i * 31) % 26))).join('');
  const chain = chatOf(['user', long]);
  for (const at of [0, 3, 65_530, 65_536, 131_071, 262_145, 399_999]) {
    const other = chatOf(['user', `${long.slice(0, at)}!${long.slice(at + 1)}`]);
    const shared = sharedBytes(chain, other);
    t.ok(shared <= at + 4 && shared >= at - 4_096 - 8, `${at}: ${shared}`);
    t.equal(other.hashes.at(-1) === chain.hashes.at(-1), false);
  }
  t.end();
});

test('characters of several bytes survive the edge of the window', (t) => {
  for (const start of ['', 'x', 'xx', 'xxx']) {
    const long = start + '😀漢é'.repeat(20_000);
    const chain = chatOf(['user', long]);
    t.equal(chainBytes(chain), 4 + Buffer.byteLength(long));
    for (let at = 21_000; at < 22_000; at += 97) {
      const shared = sharedBytes(chain, chatOf(['user', `${long.slice(0, at)}!${long.slice(at)}`]));
      const common = 4 + Buffer.byteLength(long.slice(0, at));
      t.ok(shared <= common && shared >= common - 4_096 - 8, `${shared} of ${common}`);
    }
  }
  t.end();
});

test('notes longer than the window hash each of their bytes and count none', (t) => {
  const long = 'k'.repeat(200_000);
  const salted = (salt: string) => chainOf('chat', { cache_salt: salt, messages: [{ role: 'user', content: 'x' }] });
  t.equal(chainBytes(salted(long)), 5);
  for (const at of [0, 65_533, 131_072, 199_999]) t.equal(sharedBlocks(salted(long), salted(`${long.slice(0, at)}!${long.slice(at + 1)}`)), 0);
  t.end();
});

test('one changed bit changes about half of the hash', (t) => {
  const random = seededRandom(1);
  let changed = 0;
  const runs = 20_000;
  for (let run = 0; run < runs; run += 1) {
    const bytes = Array.from({ length: 40 }, () => 64 + Math.floor(random() * 32));
    const at = Math.floor(random() * 40);
    const other = bytes.with(at, (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 5)));
    changed += differingBits(one(String.fromCharCode(...bytes)), one(String.fromCharCode(...other)));
  }
  const mean = changed / runs;
  t.ok(Math.abs(mean - 32) < 0.2, `${mean} of 64 bits`);
  t.end();
});

function one(content: string): Chain {
  writer.begin();
  writer.text(PIECE.text, content);
  writer.endMessage();
  return writer.finish();
}

function differingBits(a: Chain, b: Chain): number {
  let bits = 0;
  for (let word = 0; word < 2; word += 1) {
    for (let left = ((a.hashes[word] ?? 0) ^ (b.hashes[word] ?? 0)) >>> 0; left !== 0; left &= left - 1) bits += 1;
  }
  return bits;
}

test('a million short strings have a million hashes', (t) => {
  const count = 1_000_000;
  const hashes = new Float64Array(count);
  for (let i = 0; i < count; i += 1) {
    // An odd factor only reorders the 31-bit numbers, so all the strings differ.
    const chain = one((Math.imul(i, 0x9e3779b1) >>> 1).toString(36) + (i & 1));
    hashes[i] = ((chain.hashes[0] ?? 0) >>> 0) * 2 ** 21 + ((chain.hashes[1] ?? 0) >>> 11);
  }
  hashes.sort();
  let collisions = 0;
  for (let i = 1; i < count; i += 1) if (hashes[i] === hashes[i - 1]) collisions += 1;
  t.equal(collisions, 0);
  t.end();
});

test('counting strings, which differ in few bits, do not collide in half a hash more often than chance', (t) => {
  const low = new Set<number>();
  const high = new Set<number>();
  const count = 200_000;
  for (let i = 0; i < count; i += 1) {
    const chain = one(`request ${i} of many, each like the last`);
    low.add(chain.hashes[0] ?? 0);
    high.add(chain.hashes[1] ?? 0);
  }
  // Chance: 200,000² / 2³³ ≈ 4.7.
  t.ok(count - low.size < 20, `${count - low.size}`);
  t.ok(count - high.size < 20, `${count - high.size}`);
  t.end();
});

function hash64(chain: Chain): bigint {
  const last = 2 * (chain.length - 1);
  return (BigInt(chain.hashes[last + 1] ?? 0) << 32n) | BigInt((chain.hashes[last] ?? 0) >>> 0);
}

test('the same text in other messages is another prompt', (t) => {
  const whole = 'one two three four';
  const seen = new Set<bigint>();
  let count = 0;
  for (let at = 0; at <= whole.length; at += 1) {
    for (const roles of [['user', 'user'], ['user', 'assistant'], ['assistant', 'user']] as const) {
      seen.add(hash64(chatOf([roles[0], whole.slice(0, at)], [roles[1], whole.slice(at)])));
      count += 1;
    }
  }
  seen.add(hash64(chatOf(['user', whole])));
  seen.add(hash64(chatOf(['user', `${whole}\0`])));
  seen.add(hash64(chatOf(['user', `${whole}\0\0`])));
  seen.add(hash64(chatOf(['', `user${whole}`])));
  t.equal(seen.size, count + 4);
  t.end();
});

test('a message that ends where a longer one is cut has another hash', (t) => {
  const ended = chatOf(['user', 'x'.repeat(92)]);
  const cut = chatOf(['user', 'x'.repeat(93)]);
  t.equal(ended.ends[0], cut.ends[0]);
  t.not(ended.hashes[0], cut.hashes[0]);
  t.end();
});

test('each of 8,000 messages ends a block', (t) => {
  const many = numbered(8_000);
  const chain = chatOf(...many);
  t.equal(chain.length, 8_000);
  t.equal(chain.ends[7_999], many.reduce((sum, [, content]) => sum + 4 + content.length, 0));
  t.equal(chain.marks.length, 8_000);
  t.equal(chain.hashes.length, 16_000);
  t.ok(chain.marks.every((mark) => mark === MESSAGE_END));
  t.ok(isSame(chatOf(...many), chain));
  t.equal(sharedBlocks(chain, chatOf(...many.slice(0, 300))), 300);
  t.end();
});

test('of 30,000 messages the later ones share blocks, and a conversation that grows keeps all but the last of these', (t) => {
  const many = numbered(30_000);
  const chain = chatOf(...many);
  t.ok(chain.length > 8_192 && chain.length < 8_300, `${chain.length}`);
  t.equal(chainBytes(chain), many.reduce((sum, [, content]) => sum + 4 + content.length, 0));
  t.equal(chain.marks.at(-1), MESSAGE_END);
  for (const count of [9_000, 20_001, 29_999]) {
    const start = chatOf(...many.slice(0, count));
    t.ok(sharedBlocks(start, chain) >= start.length - 1);
    t.ok(chainBytes(start) - sharedBytes(start, chain) <= 4_096 + 16);
    const other = chatOf(...many.slice(0, count - 1), ['user', '?'], ...many.slice(count));
    t.ok(sharedBytes(other, chain) <= chainBytes(start));
    t.not(other.hashes.at(-1), chain.hashes.at(-1));
  }
  t.end();
});

test('a block of several messages is nobody\'s', (t) => {
  const turns = numbered(20_000).map(([, content], i) => [i % 2 === 0 ? 'user' : 'assistant', content] as const);
  const shared = chatOf(...turns).marks.slice(8_192);
  t.ok(shared.length > 10);
  t.ok(shared.every((mark) => (mark & FROM_ASSISTANT) === 0));
  t.equal(chatOf(...turns, ['assistant', 'x'.repeat(20_000)]).marks.at(-2), FROM_ASSISTANT);
  t.end();
});

function numbered(count: number): (readonly [string, string])[] {
  return Array.from({ length: count }, (_, i) => ['user', `${i}`] as const);
}

test('opaque parts, short or long, are told apart by each of their bytes and by where they end', (t) => {
  const chat = (...parts: readonly unknown[]) => chatOf(['user', [...parts, 'text']]);
  for (const length of [1, 40, 4_000, 5_000, 200_000]) {
    const content = 'k'.repeat(length);
    const chain = chat({ url: content });
    t.ok(isSame(chat({ url: content }), chain));
    for (const at of [0, length >> 1, length - 1]) t.equal(sharedBlocks(chat({ url: `${content.slice(0, at)}!${content.slice(at + 1)}` }), chain), 0);
  }
  t.not(hash64(chat(1, 12)), hash64(chat(11, 2)));
  t.not(hash64(chat([], [[]])), hash64(chat([[]], [])));
  t.end();
});
