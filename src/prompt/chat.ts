// chat.ts: a chat completion as a canonical prompt.

import type { ChainWriter } from './chain-writer.ts';
import { beginMessage, writeContent, writeValue } from './content.ts';
import { isObject } from './json-body.ts';
import type { JsonObject } from './json-body.ts';
import { PIECE } from './piece.ts';
import { writeArguments, writeTools } from './preamble.ts';

/** Returns how many blocks there are up to the end of the first user message. */
export function writeChat(writer: ChainWriter, body: JsonObject): number {
  writeArguments(writer, body, false);
  writeTools(writer, body);
  const messages: unknown = body['messages'];
  if (!Array.isArray(messages)) return writer.blocks;
  const ending = generationEnding(body);
  let opening = 0;
  for (let i = 0; i < messages.length; i += 1) {
    const message: unknown = messages[i];
    writeMessage(writer, message);
    if (ending !== '' && i === messages.length - 1) writer.note(PIECE.ending, ending);
    writer.endMessage();
    if (opening === 0 && isObject(message) && message['role'] === 'user') opening = writer.blocks;
  }
  return opening === 0 ? writer.blocks : opening;
}

/** `name`, `annotations` and whatever else a template does not see are left out. */
function writeMessage(writer: ChainWriter, message: unknown): void {
  if (!isObject(message)) {
    writeValue(writer, PIECE.unknown, message);
    return;
  }
  beginMessage(writer, message['role']);
  writeValue(writer, PIECE.reference, message['tool_call_id']);
  writeValue(writer, PIECE.reasoning, message['reasoning'] ?? message['reasoning_content']);
  writeContent(writer, message['content']);
  if (Array.isArray(message['tool_calls'])) {
    for (const call of message['tool_calls']) writeToolCall(writer, call);
  }
}

function writeToolCall(writer: ChainWriter, call: unknown): void {
  if (!isObject(call) || !isObject(call['function'])) {
    writeValue(writer, PIECE.unknown, call);
    return;
  }
  writeValue(writer, PIECE.reference, call['id']);
  writeValue(writer, PIECE.toolName, call['function']['name']);
  writeValue(writer, PIECE.toolInput, call['function']['arguments']);
}

/** What these change is the end of the rendered prompt alone, so they belong to its last block. */
function generationEnding(body: JsonObject): string {
  const open = body['continue_final_message'] === true ? 'continued' : '';
  return body['add_generation_prompt'] === false ? `${open} bare` : open;
}
