// messages.ts: an Anthropic message request as a canonical prompt, put together the way the engine turns it into a chat.

import type { ChainWriter } from './chain-writer.ts';
import { beginMessage, partText, writeContent, writeValue } from './content.ts';
import { isObject } from './json-body.ts';
import type { JsonObject } from './json-body.ts';
import { PIECE } from './piece.ts';
import { writeArguments, writeTools } from './preamble.ts';

/** A line that a coding agent puts into its system prompt, different in each request; the engine strips it. */
const BILLING_PREFIX = 'x-anthropic-billing-header';

/** Returns how many blocks there are up to the end of the first user message. */
export function writeMessages(writer: ChainWriter, body: JsonObject): number {
  writeArguments(writer, body, false);
  writeTools(writer, body);
  writeSystem(writer, body['system']);
  const messages: unknown = body['messages'];
  if (!Array.isArray(messages)) return writer.blocks;
  let opening = 0;
  for (let i = 0; i < messages.length; i += 1) {
    const message: unknown = messages[i];
    writeMessage(writer, message);
    if (opening === 0 && isObject(message) && message['role'] === 'user') opening = writer.blocks;
  }
  return opening === 0 ? writer.blocks : opening;
}

/** The texts of a system prompt are joined by nothing, unlike the parts of a message. */
function writeSystem(writer: ChainWriter, system: unknown): void {
  const text = Array.isArray(system) ? system.map(systemText).join('') : system;
  if (text === null || text === undefined || text === '') return;
  beginMessage(writer, 'system');
  writeContent(writer, text);
  writer.endMessage();
}

function systemText(part: unknown): string {
  const text = partText(part) ?? '';
  return text.startsWith(BILLING_PREFIX) ? '' : text;
}

function writeMessage(writer: ChainWriter, message: unknown): void {
  if (!isObject(message)) {
    writeValue(writer, PIECE.unknown, message);
    writer.endMessage();
    return;
  }
  const { role, content } = message;
  const blocks: readonly unknown[] = Array.isArray(content) ? content : [content];
  for (const block of blocks) {
    if (isBlock(block, 'tool_result')) writeToolResult(writer, block);
  }
  const own = blocks.filter((block) => !isBlock(block, 'tool_result'));
  if (own.length === 0 && blocks.length > 0) return;
  beginMessage(writer, role);
  writeOwnBlocks(writer, own);
  writer.endMessage();
}

/** A tool's result is a message of its own, before the rest of the message that it came in. */
function writeToolResult(writer: ChainWriter, block: JsonObject): void {
  beginMessage(writer, 'tool');
  writeValue(writer, PIECE.reference, block['tool_use_id']);
  writeContent(writer, block['content']);
  writer.endMessage();
}

/** Reasoning first, then what was said, then the tools that were called. Redacted reasoning and signatures are not rendered. */
function writeOwnBlocks(writer: ChainWriter, blocks: readonly unknown[]): void {
  for (const block of blocks) {
    if (isBlock(block, 'thinking')) writeValue(writer, PIECE.reasoning, block['thinking']);
  }
  writeContent(
    writer,
    blocks.filter((block) => block !== null && block !== undefined && !isApart(block)),
  );
  for (const block of blocks) {
    if (!isBlock(block, 'tool_use')) continue;
    writeValue(writer, PIECE.reference, block['id']);
    writeValue(writer, PIECE.toolName, block['name']);
    writeValue(writer, PIECE.toolInput, block['input']);
  }
}

function isApart(block: unknown): boolean {
  return isBlock(block, 'thinking') || isBlock(block, 'redacted_thinking') || isBlock(block, 'tool_use');
}

function isBlock(block: unknown, type: string): block is JsonObject {
  return isObject(block) && block['type'] === type;
}
