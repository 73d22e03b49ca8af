// json-limits.ts: what a body may ask of a JSON parser, found out before one sees it. One pass over the bytes, which makes nothing of them.

import { RequestError } from '../core/errors.ts';
import { isName } from './json-name.ts';
import { NameSet } from './name-set.ts';

/** Lists and objects in each other. */
const DEPTH_MAX = 64;
/** Different names in all objects: each costs the parser 0.6 µs. Names that come again, as in long conversations, cost little. */
const NAMES_MAX = 10_000;
/** Lists, objects, strings, numbers and the rest, names apart: each costs up to 0.4 µs to parse and as much to read. A conversation of a million tokens has some 30,000. */
const VALUES_MAX = 100_000;
/** Numbers in lists of token ids, which are not among the values: 20 ns each. */
const TOKEN_IDS_MAX = 4_000_000;
const NUMBER_BYTES_MAX = 1_024;

/** Members whose lists, and lists of lists, may be token ids. */
const TOKEN_ID_MEMBERS: readonly string[] = ['prompt', 'allowed_token_ids'];

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACE = 0x7d;
const CLOSE_BRACKET = 0x5d;

// What is open. A list where token ids may stand is undecided up to its first item.
const OBJECT = 1;
const LIST = 2;
const UNDECIDED = 3;
const TOKEN_IDS = 4;
const LIST_OF_LISTS = 5;

/** Behind so many bytes of a string a native search is faster, whose call costs as much. */
const SEARCH_BEHIND_BYTES = 48;

/**
 * Checks one body at a time.
 *
 * What is no JSON it lets through, because the parser stops where the text does. So it does with bytes that are no UTF-8: the engine gets them as
 * they came.
 */
export class JsonLimits {
  readonly #names: NameSet;
  readonly #open = new Uint8Array(DEPTH_MAX + 1);
  #depth = 0;
  #values = 0;
  #tokenIds = 0;
  #hasModel = false;
  /** Inside the top level's member of such a name. */
  #mayBeTokenIds = false;

  /** `seed`: known to this process alone, so that nobody can choose names that are slow to tell apart. */
  constructor(seed: number) {
    this.#names = new NameSet(NAMES_MAX, seed);
  }

  /** Throws RequestError(400) that names the limit and the byte where it is passed. */
  check(body: Uint8Array): void {
    this.#depth = 0;
    this.#values = 0;
    this.#tokenIds = 0;
    this.#hasModel = false;
    this.#mayBeTokenIds = false;
    this.#names.clear();
    this.#scan(body, body[0] === 0xef ? 3 : 0);
  }

  #scan(body: Uint8Array, from: number): void {
    let isName = false;
    let at = from;
    while (at < body.length) {
      const byte = body[at]!;
      if (byte === QUOTE) {
        const end = stringEnd(body, at);
        if (isName) this.#name(body, at, end);
        else this.#value(at);
        isName = false;
        at = end;
      } else if (byte === COMMA) {
        isName = this.#open[this.#depth] === OBJECT;
        at += 1;
      } else if (byte === COLON || isSpace(byte)) {
        at += 1;
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        this.#enter(byte === OPEN_BRACE, at);
        isName = byte === OPEN_BRACE;
        at += 1;
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        this.#depth -= 1;
        if (this.#depth <= 0) return;
        isName = false;
        at += 1;
      } else {
        at = this.#scalar(body, at);
      }
    }
  }

  #enter(isObject: boolean, at: number): void {
    const parent = this.#open[this.#depth];
    const isUndecided = !isObject && (this.#depth === 1 ? this.#mayBeTokenIds : this.#depth === 2 && (parent === UNDECIDED || parent === LIST_OF_LISTS));
    this.#value(at);
    if (isUndecided && this.#depth === 2) this.#open[2] = LIST_OF_LISTS;
    if (this.#depth === DEPTH_MAX) throw tooMuch(`is nested deeper than ${DEPTH_MAX} levels`, at);
    this.#depth += 1;
    this.#open[this.#depth] = isObject ? OBJECT : isUndecided ? UNDECIDED : LIST;
  }

  #value(at: number): void {
    if (this.#open[this.#depth] === UNDECIDED) this.#open[this.#depth] = LIST;
    this.#values += 1;
    if (this.#values > VALUES_MAX) throw tooMuch(`has more than ${VALUES_MAX} values besides token ids`, at);
  }

  /** A number, `true`, `false` or `null`. Returns where it ends; of token ids, where the last one does. */
  #scalar(body: Uint8Array, from: number): number {
    let at = from;
    if (isDigit(body[from]!) && this.#open[this.#depth] === UNDECIDED) this.#open[this.#depth] = TOKEN_IDS;
    const isTokenId = this.#open[this.#depth] === TOKEN_IDS;
    let begin = from;
    for (; at < body.length; at += 1) {
      const byte = body[at]!;
      if (isDigit(byte)) continue;
      if (isTokenId && byte === COMMA) {
        this.#tokenIds += 1;
        if (at - begin > NUMBER_BYTES_MAX) break;
        begin = at + 1;
      } else if (isDelimiter(byte)) break;
    }
    if (at - begin > NUMBER_BYTES_MAX) throw tooMuch(`has a number longer than ${NUMBER_BYTES_MAX} bytes`, begin);
    if (!isTokenId) this.#value(from);
    else if (this.#tokenIds > TOKEN_IDS_MAX) throw tooMuch(`has more than ${TOKEN_IDS_MAX} token ids`, at);
    return at;
  }

  #name(body: Uint8Array, from: number, end: number): void {
    if (!this.#names.add(body, from, end)) throw tooMuch(`has more than ${NAMES_MAX} different names in its objects`, from);
    if (this.#depth > 1) return;
    this.#mayBeTokenIds = TOKEN_ID_MEMBERS.some((name) => isName(body, from, end, name));
    if (!isName(body, from, end, 'model')) return;
    if (this.#hasModel) throw new RequestError(400, `The body has 'model' twice: the second is at byte ${from}`, 'model');
    this.#hasModel = true;
  }
}

function tooMuch(what: string, at: number): RequestError {
  return new RequestError(400, `The body ${what}, at byte ${at}`);
}

/** Behind the quote that closes the string which begins at `from`. Looks near first, because a call of the search takes as long. */
function stringEnd(body: Uint8Array, from: number): number {
  let at = from + 1;
  for (;;) {
    const nearEnd = Math.min(body.length, at + SEARCH_BEHIND_BYTES);
    while (at < nearEnd) {
      const byte = body[at]!;
      if (byte === QUOTE) return at + 1;
      at += byte === BACKSLASH ? 2 : 1;
    }
    const quote = body.indexOf(QUOTE, at);
    if (quote === -1) return body.length;
    let backslashes = quote;
    while (backslashes > at && body[backslashes - 1] === BACKSLASH) backslashes -= 1;
    if (((quote - backslashes) & 1) === 0) return quote + 1;
    at = quote + 1;
  }
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isDelimiter(byte: number): boolean {
  return byte === COMMA || byte === QUOTE || isSpace(byte) || byte === CLOSE_BRACKET || byte === CLOSE_BRACE || byte === OPEN_BRACKET || byte === OPEN_BRACE || byte === COLON;
}
