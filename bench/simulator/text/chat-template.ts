// chat-template.ts: renders a conversation to tokens, as a ChatML template does: tools first, then the messages, then the assistant's turn.

import { createHash } from 'node:crypto';
import { toolCallText } from './answer.ts';
import { special, TokenBuffer } from './tokenizer.ts';

export type JsonObject = Record<string, unknown>;

export interface Conversation {
  readonly messages: readonly JsonObject[];
  readonly tools?: readonly JsonObject[] | undefined;
  /** Arguments of the template that change what it renders: `chat_template_kwargs`, `reasoning_effort`, `documents`. */
  readonly templateArguments?: JsonObject | undefined;
  readonly addGenerationPrompt?: boolean | undefined;
}

/** What every image, sound or film costs, whatever its size. */
const MEDIA_TOKENS = 256;

/**
 * The prompt of a conversation. Not rendered, as in vLLM: `name`, cache-control marks, past reasoning, keys of a tool that its schema does not know.
 */
export function renderChat(conversation: Conversation): Int32Array {
  const { messages, tools, templateArguments, addGenerationPrompt } = conversation;
  const prompt = new TokenBuffer();
  const system = messages[0]?.['role'] === 'system' || messages[0]?.['role'] === 'developer' ? messages[0] : undefined;
  openTurn(prompt, 'system');
  if (system === undefined) prompt.pushText('You are a helpful assistant.');
  else renderContent(prompt, system['content']);
  if (templateArguments !== undefined) prompt.pushText(`\n\n# Settings\n\n${JSON.stringify(templateArguments)}`);
  if (tools !== undefined) renderTools(prompt, tools);
  closeTurn(prompt);
  for (const message of system === undefined ? messages : messages.slice(1)) renderMessage(prompt, message);
  if (addGenerationPrompt !== false) openTurn(prompt, 'assistant');
  return prompt.tokens();
}

function openTurn(prompt: TokenBuffer, role: string): void {
  prompt.push(special.start);
  prompt.pushText(`${role}\n`);
}

function closeTurn(prompt: TokenBuffer): void {
  prompt.push(special.end);
  prompt.pushText('\n');
}

function renderTools(prompt: TokenBuffer, tools: readonly JsonObject[]): void {
  prompt.pushText('\n\n# Tools\n\nYou may call one or more functions to assist with the user query.\n<tools>');
  for (const tool of tools) {
    const { name, description, parameters, strict } = (tool['function'] ?? {}) as JsonObject;
    prompt.pushText(`\n${JSON.stringify({ type: tool['type'], function: { name, description, parameters, strict } })}`);
  }
  prompt.pushText('\n</tools>\n\nReturn a json object with function name and arguments within <tool_call></tool_call> XML tags.');
}

function renderMessage(prompt: TokenBuffer, message: JsonObject): void {
  const { role, content, tool_calls: calls } = message;
  if (role === 'tool') {
    openTurn(prompt, 'user');
    prompt.pushText('<tool_response>\n');
    renderContent(prompt, content);
    prompt.pushText('\n</tool_response>');
    closeTurn(prompt);
    return;
  }
  openTurn(prompt, String(role));
  renderContent(prompt, content);
  if (Array.isArray(calls)) renderCalls(prompt, calls as JsonObject[], hasText(content));
  closeTurn(prompt);
}

function renderCalls(prompt: TokenBuffer, calls: readonly JsonObject[], follows: boolean): void {
  for (const call of calls) {
    const { name, arguments: args } = (call['function'] ?? {}) as JsonObject;
    if (follows) prompt.pushText('\n');
    const text = typeof args === 'string' ? args : JSON.stringify(args ?? {});
    for (const part of toolCallText(String(name), text)) prompt.pushText(part);
    follows = true;
  }
}

function hasText(content: unknown): boolean {
  return (typeof content === 'string' || Array.isArray(content)) && content.length > 0;
}

/** A string, or parts joined by a newline. */
function renderContent(prompt: TokenBuffer, content: unknown): void {
  if (typeof content === 'string') prompt.pushText(content);
  if (!Array.isArray(content)) return;
  const parts = content as (JsonObject | string)[];
  if (parts.every(isText)) {
    prompt.pushText(parts.map(textOf).join('\n'));
    return;
  }
  parts.forEach((part, at) => {
    if (at > 0) prompt.pushText('\n');
    if (isText(part)) prompt.pushText(textOf(part));
    else renderMedia(prompt, part as JsonObject);
  });
}

function isText(part: JsonObject | string): boolean {
  return typeof part === 'string' || typeof part['text'] === 'string';
}

function textOf(part: JsonObject | string): string {
  return typeof part === 'string' ? part : String(part['text']);
}

/** The same medium gives the same tokens, another one gives others. */
function renderMedia(prompt: TokenBuffer, part: JsonObject): void {
  const { type: _type, cache_control: _control, ...medium } = part;
  const identity = createHash('sha256').update(JSON.stringify(medium)).digest().readUInt32BE() >>> 1;
  prompt.push(special.imageStart);
  for (let token = 0; token < MEDIA_TOKENS; token++) prompt.push(identity);
}
