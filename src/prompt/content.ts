// content.ts: what a message says, in whichever of its spellings, as pieces of a canonical prompt.

import { canonicalJson } from './canonical-json.ts';
import { PIECE } from './chain-writer.ts';
import type { ChainWriter, PieceKind } from './chain-writer.ts';
import { isObject } from './json-body.ts';
import type { JsonObject } from './json-body.ts';

/** What a picture, a recording or a file counts as: about 1,000 tokens of 4 bytes. */
export const MEDIA_BYTES = 4_096;

const ROLES = ['system', 'user', 'assistant', 'tool', 'developer'];
const TEXT_PARTS = new Set(['text', 'input_text', 'output_text', 'refusal', 'thinking']);

export function writeRole(writer: ChainWriter, role: unknown): void {
  const code = ROLES.indexOf(role as string);
  if (code >= 0) writer.code(PIECE.role, code, (role as string).length);
  else if (typeof role === 'string') writer.text(PIECE.roleName, role);
}

/** A string or a list of parts. One text is written as that text, several in a row joined by a newline. */
export function writeContent(writer: ChainWriter, content: unknown, param: string): void {
  if (typeof content === 'string') {
    if (content !== '') writer.text(PIECE.text, content);
  } else if (Array.isArray(content)) {
    writeParts(writer, content, param);
  } else if (content !== null && content !== undefined) {
    writer.text(PIECE.unknown, canonicalJson(content, param));
  }
}

function writeParts(writer: ChainWriter, parts: readonly unknown[], param: string): void {
  let texts: string[] = [];
  for (const part of parts) {
    const text = partText(part);
    if (text !== undefined) {
      texts.push(text);
      continue;
    }
    if (texts.length > 0) writer.text(PIECE.text, texts.join('\n'));
    texts = [];
    writer.opaque(PIECE.media, canonicalJson(isObject(part) ? withoutCacheControl(part) : part, param), MEDIA_BYTES);
  }
  const last = texts.join('\n');
  if (last !== '') writer.text(PIECE.text, last);
}

function partText(part: unknown): string | undefined {
  if (typeof part === 'string') return part;
  if (!isObject(part) || !TEXT_PARTS.has(part['type'] as string)) return undefined;
  const text = part['text'] ?? part[part['type'] as string];
  return typeof text === 'string' ? text : undefined;
}

/** Markers for a provider's cache say nothing to the model. */
export function withoutCacheControl(value: JsonObject): JsonObject {
  if (value['cache_control'] === undefined) return value;
  const { cache_control: _, ...rest } = value;
  return rest;
}

/** Writes `value` as text, or as canonical JSON where it is none. Null and undefined write nothing. */
export function writeValue(writer: ChainWriter, kind: PieceKind, value: unknown, param: string): void {
  if (value === null || value === undefined || value === '') return;
  writer.text(kind, typeof value === 'string' ? value : canonicalJson(value, param));
}
