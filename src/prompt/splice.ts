// splice.ts: another model name, another salt, or a wish for usage, in a body whose every other byte stays as the client sent it.

import { isName } from './json-name.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACE = 0x7d;
const CLOSE_BRACKET = 0x5d;

const encoder = new TextEncoder();

/**
 * `body`, which must be a JSON object, with the value of its own member `name` replaced, or put in front where there is none.
 *
 * A repeated one is replaced each time: parsers disagree about which one counts. Bodies without a change are copied too.
 */
export function replaceMember(body: Uint8Array, name: 'model' | 'cache_salt', value: string): Uint8Array {
  const bytes = encoder.encode(JSON.stringify(value));
  const values = memberValues(body, body.indexOf(OPEN_BRACE), name);
  return values.length === 0 ? insertFirst(body, name, bytes) : replace(body, values.map((range) => ({ ...range, bytes })));
}

const WISH = encoder.encode('{"include_usage":true}');
const TRUE = encoder.encode('true');

/**
 * `body`, which must be a JSON object, with `stream_options.include_usage` true: put in front where there are no options, in place of
 * options that are null, and otherwise in place of the option's own value. Options without it stay as they are.
 */
export function askUsage(body: Uint8Array): Uint8Array {
  const options = memberValues(body, body.indexOf(OPEN_BRACE), 'stream_options');
  if (options.length === 0) return insertFirst(body, 'stream_options', WISH);
  const cuts = options.flatMap((range) => {
    if (body[range.from] !== OPEN_BRACE) return [{ ...range, bytes: WISH }];
    return memberValues(body, range.from, 'include_usage').map((inner) => ({ ...inner, bytes: TRUE }));
  });
  return replace(body, cuts);
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** A range, and what comes in its place. */
interface Cut extends Range {
  readonly bytes: Uint8Array;
}

function replace(body: Uint8Array, cuts: readonly Cut[]): Uint8Array {
  let size = body.length;
  for (const { from, to, bytes } of cuts) size += bytes.length - (to - from);
  const spliced = new Uint8Array(size);
  let read = 0;
  let written = 0;
  for (const { from, to, bytes } of cuts) {
    spliced.set(body.subarray(read, from), written);
    written += from - read;
    spliced.set(bytes, written);
    written += bytes.length;
    read = to;
  }
  spliced.set(body.subarray(read), written);
  return spliced;
}

function insertFirst(body: Uint8Array, name: string, value: Uint8Array): Uint8Array {
  const at = body.indexOf(OPEN_BRACE) + 1;
  const isEmpty = body[skipSpace(body, at)] === CLOSE_BRACE;
  const member = encoder.encode(`"${name}":`);
  const spliced = new Uint8Array(body.length + member.length + value.length + (isEmpty ? 0 : 1));
  spliced.set(body.subarray(0, at));
  spliced.set(member, at);
  spliced.set(value, at + member.length);
  if (!isEmpty) spliced[at + member.length + value.length] = COMMA;
  spliced.set(body.subarray(at), spliced.length - (body.length - at));
  return spliced;
}

/** Where the values of a key stand in the object that opens at `open`, not deeper. */
function memberValues(body: Uint8Array, open: number, name: string): Range[] {
  const found: Range[] = [];
  let at = skipSpace(body, open + 1);
  while (body[at] === QUOTE) {
    const keyEnd = stringEnd(body, at);
    const isWanted = isName(body, at, keyEnd, name);
    const from = skipSpace(body, skipSpace(body, keyEnd) + 1);
    const to = valueEnd(body, from);
    if (isWanted) found.push({ from, to });
    at = skipSpace(body, to);
    if (body[at] !== COMMA) break;
    at = skipSpace(body, at + 1);
  }
  return found;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function skipSpace(body: Uint8Array, from: number): number {
  let at = from;
  while (isSpace(body[at])) at += 1;
  return at;
}

/** Behind the quote that closes the string which begins at `from`. */
function stringEnd(body: Uint8Array, from: number): number {
  let at = from + 1;
  while (at < body.length && body[at] !== QUOTE) at += body[at] === BACKSLASH ? 2 : 1;
  return Math.min(at + 1, body.length);
}

function valueEnd(body: Uint8Array, from: number): number {
  let depth = 0;
  let at = from;
  while (at < body.length) {
    const byte = body[at];
    if (byte === QUOTE) {
      at = stringEnd(body, at);
      if (depth === 0) return at;
      continue;
    }
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      if (depth === 0) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (byte === COMMA || isSpace(byte))) return at;
    at += 1;
  }
  return at;
}
