// tokenizer.ts: turns text into token ids by itself, about four bytes a token, without a vocabulary.

/** Tokens that no text gives. */
export const special = { start: 1, end: 2, imageStart: 3 } as const;

const PIECE_LENGTH_MAX = 6;
const FIRST_TEXT_TOKEN = 16;

const SPACE = 0;
const LETTER = 1;
const DIGIT = 2;
const MARK = 3;
const WIDE = 4;

function classOf(code: number): number {
  if ((code >= 97 && code <= 122) || (code >= 65 && code <= 90)) return LETTER;
  if (code >= 48 && code <= 57) return DIGIT;
  if (code === 32 || code === 10 || code === 9 || code === 13) return SPACE;
  return code < 128 ? MARK : WIDE;
}

/** A growing list of tokens. */
export class TokenBuffer {
  #tokens = new Int32Array(256);
  #length = 0;

  push(token: number): void {
    if (this.#length === this.#tokens.length) {
      const larger = new Int32Array(this.#length * 2);
      larger.set(this.#tokens);
      this.#tokens = larger;
    }
    this.#tokens[this.#length++] = token;
  }

  /**
   * Appends a text. A piece is a run of letters, digits or marks of at most 6 characters, with one space before it; other white space and
   * each character outside ASCII is a piece. So texts with a common prefix share all its tokens but, at most, the last one.
   *
   * Texts appended one after the other do not join: a piece never spans two calls.
   */
  pushText(text: string): void {
    forEachPiece(text, (_start, _end, token) => this.push(token));
  }

  /** The tokens so far, as a copy. */
  tokens(): Int32Array {
    return this.#tokens.slice(0, this.#length);
  }
}

/** The pieces of a text as strings, one for each token. */
export function pieces(text: string): string[] {
  const found: string[] = [];
  forEachPiece(text, (start, end) => found.push(text.slice(start, end)));
  return found;
}

export function tokenize(text: string): Int32Array {
  const buffer = new TokenBuffer();
  buffer.pushText(text);
  return buffer.tokens();
}

function forEachPiece(text: string, visit: (start: number, end: number, token: number) => void): void {
  const length = text.length;
  let at = 0;
  while (at < length) {
    const start = at;
    let code = text.charCodeAt(at++);
    let kind = classOf(code);
    let hash = Math.imul(0x811c9dc5 ^ code, 0x01000193);
    if (code === 32 && at < length) {
      const next = text.charCodeAt(at);
      const nextKind = classOf(next);
      if (nextKind === LETTER || nextKind === DIGIT || nextKind === MARK) {
        hash = Math.imul(hash ^ next, 0x01000193);
        kind = nextKind;
        at++;
      }
    }
    if (kind !== WIDE && kind !== SPACE) {
      while (at < length && at - start < PIECE_LENGTH_MAX) {
        code = text.charCodeAt(at);
        if (classOf(code) !== kind) break;
        hash = Math.imul(hash ^ code, 0x01000193);
        at++;
      }
    }
    visit(start, at, FIRST_TEXT_TOKEN + (hash >>> 2));
  }
}
