// splice.ts: another model name in a body whose every other byte stays as the client sent it.

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACE = 0x7d;
const CLOSE_BRACKET = 0x5d;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * `body`, which must be a JSON object, with the value of its own `model` replaced, or put in front where there is none.
 *
 * A repeated `model` is replaced each time: parsers disagree about which one counts. Bodies without a change are copied too.
 */
export function replaceModel(body: Uint8Array, model: string): Uint8Array {
  const value = encoder.encode(JSON.stringify(model));
  const cuts = modelValues(body);
  if (cuts.length === 0) return insertFirst(body, value);
  let size = body.length;
  for (const { from, to } of cuts) size += value.length - (to - from);
  const spliced = new Uint8Array(size);
  let read = 0;
  let written = 0;
  for (const { from, to } of cuts) {
    spliced.set(body.subarray(read, from), written);
    written += from - read;
    spliced.set(value, written);
    written += value.length;
    read = to;
  }
  spliced.set(body.subarray(read), written);
  return spliced;
}

function insertFirst(body: Uint8Array, value: Uint8Array): Uint8Array {
  const at = body.indexOf(OPEN_BRACE) + 1;
  const isEmpty = body[skipSpace(body, at)] === CLOSE_BRACE;
  const name = encoder.encode('"model":');
  const spliced = new Uint8Array(body.length + name.length + value.length + (isEmpty ? 0 : 1));
  spliced.set(body.subarray(0, at));
  spliced.set(name, at);
  spliced.set(value, at + name.length);
  if (!isEmpty) spliced[at + name.length + value.length] = COMMA;
  spliced.set(body.subarray(at), spliced.length - (body.length - at));
  return spliced;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Where the values of top-level keys called `model` stand. */
function modelValues(body: Uint8Array): Range[] {
  const found: Range[] = [];
  let at = skipSpace(body, body.indexOf(OPEN_BRACE) + 1);
  while (body[at] === QUOTE) {
    const keyEnd = stringEnd(body, at);
    const isModel = isModelKey(body, at, keyEnd);
    const from = skipSpace(body, skipSpace(body, keyEnd) + 1);
    const to = valueEnd(body, from);
    if (isModel) found.push({ from, to });
    at = skipSpace(body, to);
    if (body[at] !== COMMA) break;
    at = skipSpace(body, at + 1);
  }
  return found;
}

/** The longest spelling is five escapes of six bytes and two quotes. */
const MODEL_KEY_MAX = 32;

function isModelKey(body: Uint8Array, from: number, to: number): boolean {
  return to - from <= MODEL_KEY_MAX && JSON.parse(decoder.decode(body.subarray(from, to))) === 'model';
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
