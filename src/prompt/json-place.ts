// json-place.ts: where a text stops being JSON. JSON.parse alone does not say so for its most frequent error.

/** Broken on purpose, a text takes 30 ms a million characters: longer ones are not worth the wait, deeper ones not the stack. */
const LENGTH_MAX = 262_144;
const DEPTH_MAX = 1_024;

const SPACE = ' \t\n\r';
const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;
const STRING_STOP = /["\\\p{Cc}]/gu;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

type Wanted = 'value' | 'first value' | 'key' | 'first key' | 'colon' | 'comma' | 'nothing';

/** Offset of the first character that cannot belong to JSON; the text's length where it ends too early. Undefined when it is JSON, too long or too deep. */
export function findJsonError(text: string): number | undefined {
  if (text.length > LENGTH_MAX) return undefined;
  const closers: string[] = [];
  let wanted: Wanted = 'value';
  let at = 0;
  for (;;) {
    while (SPACE.includes(text.charAt(at)) && at < text.length) at += 1;
    if (at === text.length) return wanted === 'nothing' ? undefined : at;
    const char = text.charAt(at);
    if (closesHere(char, closers.at(-1), wanted)) {
      closers.pop();
      at += 1;
      wanted = closers.length === 0 ? 'nothing' : 'comma';
    } else if (wanted === 'colon' || wanted === 'comma') {
      if (char !== (wanted === 'colon' ? ':' : ',')) return at;
      wanted = wanted === 'colon' || closers.at(-1) === ']' ? 'value' : 'key';
      at += 1;
    } else if (wanted === 'key' || wanted === 'first key') {
      const end = char === '"' ? readString(text, at) : at;
      if (typeof end === 'number') return end;
      at = end.end;
      wanted = 'colon';
    } else if (wanted === 'nothing') {
      return at;
    } else if (char === '{' || char === '[') {
      if (closers.push(char === '{' ? '}' : ']') > DEPTH_MAX) return undefined;
      wanted = char === '{' ? 'first key' : 'first value';
      at += 1;
    } else {
      const end = char === '"' ? readString(text, at) : readScalar(text, at);
      if (typeof end === 'number') return end;
      at = end.end;
      wanted = closers.length === 0 ? 'nothing' : 'comma';
    }
  }
}

function closesHere(char: string, closer: string | undefined, wanted: Wanted): boolean {
  return char === closer && (wanted === 'comma' || wanted === (closer === '}' ? 'first key' : 'first value'));
}

/** Where the token ends, or as a bare number where it is broken. */
type Read = { readonly end: number } | number;

function readString(text: string, from: number): Read {
  let at = from + 1;
  for (;;) {
    STRING_STOP.lastIndex = at;
    const stop = STRING_STOP.exec(text);
    if (stop === null) return text.length;
    at = stop.index;
    if (stop[0] === '"') return { end: at + 1 };
    if (stop[0] === '\\') {
      const end = skip(ESCAPE, text, at);
      if (end === undefined) return at;
      at = end;
    } else if (stop[0] < ' ') return at;
    else at += 1;
  }
}

function readScalar(text: string, from: number): Read {
  const end = skip(SCALAR, text, from);
  return end === undefined ? from : { end };
}

function skip(pattern: RegExp, text: string, from: number): number | undefined {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}
