// chat.ts: a chat completion as a canonical prompt.

import { canonicalJson } from './canonical-json.ts';
import { PIECE } from './chain-writer.ts';
import type { ChainWriter } from './chain-writer.ts';
import { withoutCacheControl, writeContent, writeRole, writeValue } from './content.ts';
import { isObject } from './json-body.ts';
import type { JsonObject } from './json-body.ts';

/** Returns how many blocks there are up to the end of the first user message. */
export function writeChat(writer: ChainWriter, body: JsonObject): number {
  writeTools(writer, body['tools']);
  const messages = body['messages'];
  if (!Array.isArray(messages)) return writer.blocks;
  let opening = 0;
  for (let i = 0; i < messages.length; i += 1) {
    const message: unknown = messages[i];
    writeMessage(writer, message, i, i === messages.length - 1 ? generationTail(body) : '');
    if (opening === 0 && isObject(message) && message['role'] === 'user') opening = writer.blocks;
  }
  return opening === 0 ? writer.blocks : opening;
}

/** Tools are rendered first, whatever `tool_choice` says. Of a function tool only the function is. */
function writeTools(writer: ChainWriter, tools: unknown): void {
  if (!Array.isArray(tools) || tools.length === 0) return;
  for (const tool of tools) {
    const rendered: unknown = isObject(tool) && isObject(tool['function']) ? tool['function'] : tool;
    writer.text(PIECE.tool, canonicalJson(isObject(rendered) ? withoutCacheControl(rendered) : rendered, 'tools'));
  }
  writer.endMessage();
}

function writeMessage(writer: ChainWriter, message: unknown, index: number, tail: string): void {
  const param = `messages[${index}]`;
  if (isObject(message)) {
    writer.fromAssistant(message['role'] === 'assistant');
    writeRole(writer, message['role']);
    writeValue(writer, PIECE.reasoning, message['reasoning'] ?? message['reasoning_content'], param);
    writeContent(writer, message['content'], param);
    writeToolCalls(writer, message['tool_calls'], param);
    writeValue(writer, PIECE.reference, message['tool_call_id'], param);
  } else {
    writer.text(PIECE.unknown, canonicalJson(message, param));
  }
  if (tail !== '') writer.note(PIECE.tail, tail);
  writer.endMessage();
  writer.fromAssistant(false);
}

function writeToolCalls(writer: ChainWriter, calls: unknown, param: string): void {
  if (!Array.isArray(calls)) return;
  for (const call of calls) {
    if (isObject(call) && isObject(call['function'])) {
      writeValue(writer, PIECE.reference, call['id'], param);
      writeValue(writer, PIECE.toolCall, call['function']['name'], param);
      writeValue(writer, PIECE.toolCall, call['function']['arguments'], param);
    } else {
      writer.text(PIECE.unknown, canonicalJson(call, param));
    }
  }
}

/** What these change is the end of the rendered prompt alone. */
function generationTail(body: JsonObject): string {
  const open = body['continue_final_message'] === true ? 'continue ' : '';
  return body['add_generation_prompt'] === false ? `${open}bare` : open;
}
