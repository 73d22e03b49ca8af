// responses.ts: a request of the Responses API as a canonical prompt.

import type { ChainWriter } from './chain-writer.ts';
import { beginMessage, partText, writeContent, writeValue } from './content.ts';
import { isObject } from './json-body.ts';
import type { JsonObject } from './json-body.ts';
import { PIECE } from './piece.ts';
import { writeArguments, writeTools } from './preamble.ts';

/** Returns how many blocks there are up to the end of the first user message. */
export function writeResponses(writer: ChainWriter, body: JsonObject): number {
  writeArguments(writer, body, false);
  writeTools(writer, body);
  const { instructions, input } = body;
  if (instructions !== null && instructions !== undefined && instructions !== '') {
    beginMessage(writer, 'system');
    writeContent(writer, instructions);
    writer.endMessage();
  }
  const items: readonly unknown[] = Array.isArray(input) ? input : typeof input === 'string' ? [{ role: 'user', content: input }] : [];
  let opening = 0;
  for (let i = 0; i < items.length; i += 1) {
    const item = items[i];
    writeItem(writer, item);
    writer.endMessage();
    if (opening === 0 && isObject(item) && item['role'] === 'user') opening = writer.blocks;
  }
  return opening === 0 ? writer.blocks : opening;
}

/** Ids and states of known items are bookkeeping between client and server; the model does not see them. */
function writeItem(writer: ChainWriter, item: unknown): void {
  if (!isObject(item)) {
    writeValue(writer, PIECE.unknown, item);
    return;
  }
  const type = item['type'] ?? 'message';
  if (type === 'message') {
    beginMessage(writer, item['role']);
    writeContent(writer, item['content']);
  } else if (type === 'function_call') {
    beginMessage(writer, 'assistant');
    writeValue(writer, PIECE.reference, item['call_id']);
    writeValue(writer, PIECE.toolName, item['name']);
    writeValue(writer, PIECE.toolInput, item['arguments']);
  } else if (type === 'function_call_output') {
    beginMessage(writer, 'tool');
    writeValue(writer, PIECE.reference, item['call_id']);
    writeContent(writer, item['output']);
  } else if (type === 'reasoning') {
    beginMessage(writer, 'assistant');
    writeValue(writer, PIECE.reasoning, reasoningText(item));
  } else {
    writer.fromAssistant(typeof type === 'string' && type.endsWith('_call'));
    writeValue(writer, PIECE.unknown, item);
  }
}

/** The reasoning itself where the client has it, else its summary, else whatever stands for it. */
function reasoningText(item: JsonObject): unknown {
  const parts = [item['content'], item['summary']].find((list) => Array.isArray(list) && list.length > 0);
  return Array.isArray(parts) ? parts.map((part) => partText(part) ?? '').join('\n') : item['encrypted_content'];
}
