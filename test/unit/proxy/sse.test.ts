// Where events begin and end, whatever the chunks.

import * as fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { test } from 'tap';
import { readEvent, SseScanner } from '../../../src/proxy/sse.ts';

interface Seen {
  readonly heard: readonly string[];
  readonly last: readonly string[];
  readonly events: number;
  readonly comments: number;
  readonly atBoundary: boolean;
}

function scan(chunks: readonly Buffer[]): Seen {
  const heard: string[] = [];
  const scanner = new SseScanner();
  scanner.listener = (event) => heard.push(event.toString());
  for (const chunk of chunks) scanner.feed(chunk);
  return { heard, last: scanner.last.map(String), events: scanner.events, comments: scanner.comments, atBoundary: scanner.atBoundary };
}

/** The stream in chunks that end at these offsets. */
function cut(stream: Buffer, ends: readonly number[]): Buffer[] {
  const places = [0, ...ends.map((end) => end % (stream.length + 1)).toSorted((a, b) => a - b), stream.length];
  return places.slice(1).map((end, i) => stream.subarray(places[i], end));
}

const newline = fc.constantFrom('\n', '\r\n');
const line = fc.oneof(fc.constantFrom('data: {"a":1}', 'data: [DONE]', 'data:', 'event: x', ':', ': comment', 'id: 7', 'data: 漢字🦆', 'a'), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).map((text) => text.replaceAll(/[\r\n]/g, '_')));
const block = fc.tuple(fc.array(line, { maxLength: 4 }), newline).map(([lines, end]) => lines.map((text) => text + end).join('') + end);
const stream = fc.tuple(fc.array(block, { maxLength: 8 }), fc.string({ maxLength: 10 })).map(([blocks, rest]) => Buffer.from(blocks.join('') + rest.replaceAll(/[\r\n]/g, '_')));

/** What a reader of whole text finds. */
function naive(bytes: Buffer): Seen {
  const blocks = bytes.toString().split(/(?<=^|\n)(\r?\n)/);
  const heard: string[] = [];
  let comments = 0;
  let open = '';
  for (const part of blocks) {
    open += part;
    if (part !== '\n' && part !== '\r\n') continue;
    const lines = open.split('\n').map((text) => text.replace(/\r$/, '')).filter((text) => text !== '');
    if (lines.some((text) => !text.startsWith(':'))) heard.push(open);
    else if (lines.length > 0) comments += 1;
    open = '';
  }
  return { heard, last: heard.slice(-3), events: heard.length, comments, atBoundary: open === '' };
}

test('any cutting of a stream gives the events, comments and boundary that the whole text has', (t) => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat(), { maxLength: 12 }), (bytes, ends) => isDeepStrictEqual(scan(cut(bytes, ends)), naive(bytes))),
    { numRuns: 500 },
  );
  t.end();
});

test('it ends at a boundary only behind an empty line', (t) => {
  const boundaries: boolean[] = [];
  const scanner = new SseScanner();
  for (const byte of 'data: a\n\n:c\n\n') {
    scanner.feed(Buffer.from(byte));
    boundaries.push(scanner.atBoundary);
  }
  t.same(boundaries, [...'data: a\n\n:c\n\n'].map((_, i) => i === 8 || i === 12));
  t.end();
});

test('of an event of many megabytes the beginning and the end are kept, and what follows is read as before', (t) => {
  const scanner = new SseScanner();
  scanner.feed(Buffer.from('event: big\ndata: {"x":"'));
  for (let i = 0; i < 200; i += 1) scanner.feed(Buffer.alloc(65_536, 'x'));
  scanner.feed(Buffer.from('","usage":{"prompt_tokens":7}}\n\ndata: [DONE]\n\n'));
  const [big, done] = scanner.last.map(String);
  t.equal(done, 'data: [DONE]\n\n');
  t.match(big, /^event: big\ndata: \{"x":"x/);
  t.match(big, /"usage":\{"prompt_tokens":7\}\}\n\n$/);
  t.ok(big!.length < 2 * 1024 * 1024, `${big!.length} bytes are kept`);
  t.end();
});

test('so is one in pieces of one byte, in no more time than any', (t) => {
  const scanner = new SseScanner();
  const bytes = Buffer.from(`event: big\ndata: {"x":"${'x'.repeat(2_500_000)}","usage":{"prompt_tokens":7}}\n\n`);
  const startMs = performance.now();
  // It takes 3 s, or an hour where each piece moves the others.
  for (let at = 0; at < bytes.length && performance.now() - startMs < 30_000; at += 1) scanner.feed(bytes.subarray(at, at + 1));
  const [big = ''] = scanner.last.map(String);
  t.match(big, /^event: big\ndata: \{"x":"x.*x","usage":\{"prompt_tokens":7\}\}\n\n$/);
  t.ok(big.length < 2.1 * 1024 * 1024, `${big.length} bytes are kept`);
  t.end();
});

test('nobody is told once the listener is gone, and the last three events are known all the same', (t) => {
  const scanner = new SseScanner();
  const heard: string[] = [];
  scanner.listener = (event) => {
    heard.push(event.toString());
    scanner.listener = undefined;
  };
  scanner.feed(Buffer.from('data: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\n'));
  t.same(heard, ['data: 1\n\n']);
  t.same(scanner.last.map(String), ['data: 2\n\n', 'data: 3\n\n', 'data: 4\n\n']);
  t.end();
});

test('the fields of an event are read with and without the space, and with either end of line', (t) => {
  t.same(readEvent(Buffer.from('event: x\ndata: {"a": 1}\n\n')), { name: 'x', data: '{"a": 1}' });
  t.same(readEvent(Buffer.from('event:x\r\ndata:{"a":1}\r\n\r\n')), { name: 'x', data: '{"a":1}' });
  t.same(readEvent(Buffer.from(': c\nid: 1\n\n')), { name: '', data: '' });
  t.end();
});
