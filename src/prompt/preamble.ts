// preamble.ts: what comes before the messages of a canonical prompt, and what shapes all of it.

import { canonicalText, withoutCacheControl } from './canonical-text.ts';
import type { ChainWriter } from './chain-writer.ts';
import { isObject } from './json-body.ts';
import type { JsonObject } from './json-body.ts';
import { PIECE } from './piece.ts';
import type { PieceKind } from './piece.ts';

/** Fields that decide how the engine renders the prompt, or which part of it it keeps. Null is as good as absent. */
const ARGUMENTS = ['chat_template', 'chat_template_kwargs', 'mm_processor_kwargs', 'media_io_kwargs', 'truncate_prompt_tokens', 'truncation_side'];

/**
 * Salt and template arguments. They count nothing and make no block: they change the hash of the first.
 *
 * `addsSpecialTokens` is what the surface does when nobody says.
 */
export function writeArguments(writer: ChainWriter, body: JsonObject, addsSpecialTokens: boolean): void {
  writeArgument(writer, 'cache_salt', body['cache_salt']);
  for (const name of ARGUMENTS) writeArgument(writer, name, body[name]);
  writeArgument(writer, 'reasoning_effort', reasoningEffort(body));
  if (body['add_special_tokens'] === !addsSpecialTokens) writeArgument(writer, 'add_special_tokens', !addsSpecialTokens);
}

/** Each API has another name for it; the template sees one. */
function reasoningEffort(body: JsonObject): unknown {
  const { reasoning, output_config: outputConfig } = body;
  return body['reasoning_effort'] ?? (isObject(reasoning) ? reasoning['effort'] : undefined) ?? (isObject(outputConfig) ? outputConfig['effort'] : undefined);
}

function writeArgument(writer: ChainWriter, name: string, value: unknown): void {
  if (value === null || value === undefined || value === '') return;
  if (isObject(value) && Object.keys(value).length === 0) return;
  writer.note(PIECE.argument, name);
  writer.note(PIECE.argument, canonicalText(value));
}

/** Tools are rendered first, whatever `tool_choice` says; then what a template makes of documents. */
export function writeTools(writer: ChainWriter, body: JsonObject): void {
  writeSection(writer, PIECE.tool, body['tools']);
  writeSection(writer, PIECE.document, body['documents']);
}

function writeSection(writer: ChainWriter, kind: PieceKind, entries: unknown): void {
  if (!Array.isArray(entries) || entries.length === 0) return;
  for (const entry of entries) writer.text(kind, canonicalText(withoutCacheControl(rendered(entry))));
  writer.endMessage();
}

/** What stands beside the function of a function tool is not rendered. */
function rendered(entry: unknown): unknown {
  return isObject(entry) && isObject(entry['function']) ? entry['function'] : entry;
}
