// json-name.ts: whether a name in a body is a known one, however it is spelled. Compared where it stands: a body may have 100,000 of them, and text costs.

const BACKSLASH = 0x5c;
const LOWER_U = 0x75;
const ESCAPE_BYTES = 6;

/** `from` and `to` enclose the name with its quotes. `name` is of letters and underscores, so that an escape in it can only be `\u` and four digits. */
export function isName(body: Uint8Array, from: number, to: number, name: string): boolean {
  let at = from + 1;
  for (let i = 0; i < name.length; i += 1) {
    const wanted = name.charCodeAt(i);
    if (body[at] === wanted) at += 1;
    else if (body[at] === BACKSLASH && body[at + 1] === LOWER_U && codeUnit(body, at + 2) === wanted) at += ESCAPE_BYTES;
    else return false;
  }
  return at === to - 1;
}

/** Of four hexadecimal digits; NaN where they are none. */
function codeUnit(body: Uint8Array, from: number): number {
  let code = 0;
  for (let at = from; at < from + 4; at += 1) code = code * 16 + digit(body[at]);
  return code;
}

function digit(byte = 0): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : NaN;
}
