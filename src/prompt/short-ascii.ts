// short-ascii.ts: the bytes of a short text, without the encoder: a call to it costs as much as some thirty characters.

const LENGTH_MAX = 32;

/** Whether the text is short, ASCII and fits: then its bytes are at `bytes[at]`. If not, what stands from there on may have changed. */
export function putShortAscii(text: string, bytes: Uint8Array, at: number): boolean {
  if (text.length > LENGTH_MAX || at + text.length > bytes.length) return false;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return false;
    bytes[at + i] = code;
  }
  return true;
}
