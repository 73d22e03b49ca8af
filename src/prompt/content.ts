// content.ts: what a message says, in whichever of its spellings, as pieces of a canonical prompt.

import { canonicalText, withoutCacheControl } from './canonical-text.ts';
import type { ChainWriter } from './chain-writer.ts';
import { isObject } from './json-body.ts';
import { PIECE } from './piece.ts';
import type { PieceKind } from './piece.ts';

/** What a picture, a recording or a file counts as: about 1,000 tokens of 4 bytes. */
export const MEDIA_BYTES = 4_096;

const ROLES: readonly unknown[] = ['system', 'user', 'assistant', 'tool', 'developer'];
const TEXT_PARTS: ReadonlySet<unknown> = new Set(['text', 'input_text', 'output_text', 'refusal', 'thinking', 'reasoning_text', 'summary_text']);

/** Ends with `writer.endMessage()`. */
export function beginMessage(writer: ChainWriter, role: unknown): void {
  writer.fromAssistant(role === 'assistant');
  const code = ROLES.indexOf(role);
  if (code === -1) writeValue(writer, PIECE.roleName, role);
  else writer.code(PIECE.role, code, String(role).length);
}

/** A string or a list of parts. One text is written as that text, several in a row joined by a newline. */
export function writeContent(writer: ChainWriter, content: unknown): void {
  if (Array.isArray(content)) writeParts(writer, content);
  else writeValue(writer, PIECE.text, content);
}

function writeParts(writer: ChainWriter, parts: readonly unknown[]): void {
  let texts: string[] = [];
  for (const part of parts) {
    const text = partText(part);
    if (text !== undefined) {
      texts.push(text);
      continue;
    }
    if (texts.length > 0) writeValue(writer, PIECE.text, texts.join('\n'));
    texts = [];
    writer.opaque(PIECE.media, canonicalText(withoutCacheControl(part)), MEDIA_BYTES);
  }
  writeValue(writer, PIECE.text, texts.join('\n'));
}

/** The text of a part that is one: a bare string, or an object that holds it under `text` or under its own type's name. */
export function partText(part: unknown): string | undefined {
  if (typeof part === 'string') return part;
  if (!isObject(part) || !TEXT_PARTS.has(part['type'])) return undefined;
  const text = part['text'] ?? part[String(part['type'])];
  return typeof text === 'string' ? text : undefined;
}

/** Writes a string as it is and anything else as canonical JSON. Null, undefined and the empty string write nothing. */
export function writeValue(writer: ChainWriter, kind: PieceKind, value: unknown): void {
  if (value === null || value === undefined || value === '') return;
  if (typeof value === 'string') writer.text(kind, value);
  else {
    writer.code(PIECE.json, 0, 0);
    writer.text(kind, canonicalText(value));
  }
}
