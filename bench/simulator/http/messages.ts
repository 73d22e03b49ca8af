// messages.ts: POST /v1/messages and /v1/messages/count_tokens, Anthropic's API.

import { usageOf, type FinishReason, type Generation } from '../generation.ts';
import type { SimulatorOptions } from '../options.ts';
import { renderChat, type JsonObject } from '../text/chat-template.ts';
import { anthropicErrors } from './api-error.ts';
import {
  argumentsOf,
  forcedTool,
  makeJobs,
  readList,
  readNumber,
  readTemplateArguments,
  readTools,
  servedModel,
  textOf,
  type GenerationRequest,
} from './request-fields.ts';
import { noEvents, type Send, type Surface } from './run.ts';

/** Claude Code puts a line into its system prompt that differs with each request; vLLM drops it. */
const BILLING = 'x-anthropic-billing-header';

const stopReasons: Partial<Record<FinishReason, string>> = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use' };

export function readMessages(options: SimulatorOptions, body: JsonObject): GenerationRequest {
  const { prompt, tools } = renderMessages(body);
  const model = servedModel(options, body['model']);
  const tool = forcedTool(tools, toChatChoice(body['tool_choice']));
  const jobs = makeJobs(options, { body, model, prompts: [prompt], tokensMax: readNumber(body, 'max_tokens'), tool });
  return { jobs, model };
}

export function countMessageTokens(options: SimulatorOptions, body: JsonObject): string {
  servedModel(options, body['model']);
  return JSON.stringify({ input_tokens: renderMessages(body).prompt.length });
}

function renderMessages(body: JsonObject): { prompt: Int32Array; tools: JsonObject[] | undefined } {
  const messages = readList(body, 'messages').flatMap(toChatMessages);
  const system = systemText(body['system']);
  const tools = readTools(body, ({ name, description, input_schema: parameters }) => ({ type: 'function', function: { name, description, parameters } }));
  const prompt = renderChat({
    messages: system === '' ? messages : [{ role: 'system', content: system }, ...messages],
    tools,
    templateArguments: readTemplateArguments(body),
  });
  return { prompt, tools };
}

function systemText(system: unknown): string {
  if (typeof system === 'string') return system;
  if (!Array.isArray(system)) return '';
  const texts = (system as JsonObject[]).map((block) => String(block['text'] ?? ''));
  return texts.filter((text) => !text.startsWith(BILLING)).join('');
}

function toChatChoice(choice: unknown): unknown {
  const { type, name } = (choice ?? {}) as JsonObject;
  if (type === 'any') return 'required';
  return type === 'tool' ? { type: 'function', function: { name } } : 'auto';
}

/** One message with blocks is a chat message and, for each tool result in it, one of role "tool". */
function toChatMessages(message: JsonObject): JsonObject[] {
  const { role, content } = message;
  if (!Array.isArray(content)) return [message];
  const parts: JsonObject[] = [];
  const calls: JsonObject[] = [];
  const results: JsonObject[] = [];
  for (const block of content as JsonObject[]) {
    const { type, name, input, content: result } = block;
    if (type === 'tool_use') calls.push({ function: { name, arguments: JSON.stringify(input) } });
    else if (type === 'tool_result') results.push({ role: 'tool', content: result });
    else if (type !== 'thinking' && type !== 'redacted_thinking') parts.push(block);
  }
  const own = parts.length === 0 && calls.length === 0 ? [] : [{ role, content: parts, ...(calls.length > 0 && { tool_calls: calls }) }];
  return [...results, ...own];
}

function event(type: string, fields: JsonObject): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
}

export function messageSurface(options: SimulatorOptions, body: JsonObject, { model }: GenerationRequest, idBase: string): Surface {
  const id = `chatcmpl-${idBase}`;
  const streams = body['stream'] === true;
  return {
    ...anthropicErrors,
    streams,
    token: streams ? (generation, at, finish, send) => streamToken(options, model, id, generation, at, finish, send) : noEvents,
    close: streams ? (_generations, send) => send(event('message_stop', {})) : noEvents,
    body: (generations) => messageBody(options, model, id, generations),
  };
}

function streamToken(
  options: SimulatorOptions, model: string, id: string, generation: Generation, at: number, finish: FinishReason | undefined, send: Send,
): void {
  const { answer, promptTokens } = generation;
  const call = answer.toolCall;
  if (at === 0 || (at < 0 && generation.deliveredTokens === 0)) {
    const usage = { input_tokens: promptTokens, output_tokens: 0 };
    send(event('message_start', { message: { id, type: 'message', role: 'assistant', content: [], model, stop_reason: null, stop_sequence: null, usage } }));
    const block = call === undefined ? { type: 'text', text: '' } : { type: 'tool_use', id: `toolu_${id.slice(9)}`, name: call.name, input: {} };
    send(event('content_block_start', { content_block: block, index: 0 }));
  }
  const text = at < 0 ? '' : answer.texts[at]!;
  if (call === undefined && text !== '') send(event('content_block_delta', { delta: { type: 'text_delta', text }, index: 0 }));
  if (call !== undefined && at >= call.argumentsStart && at < call.argumentsEnd) {
    send(event('content_block_delta', { delta: { type: 'input_json_delta', partial_json: text }, index: 0 }));
  }
  if (finish === undefined) return;
  send(event('content_block_stop', { index: 0 }));
  const delta = { stop_reason: stopReasons[finish] ?? null, stop_sequence: null };
  send(event('message_delta', { delta, usage: usageJson(options, [generation]) }));
}

function usageJson(options: SimulatorOptions, generations: readonly Generation[]): JsonObject {
  const { promptTokens, outputTokens, cachedTokens, createdTokens } = usageOf(generations, options.blockTokens);
  if (!options.promptTokensDetails) return { input_tokens: promptTokens, output_tokens: outputTokens };
  return {
    input_tokens: promptTokens - cachedTokens - createdTokens,
    output_tokens: outputTokens,
    cache_creation_input_tokens: createdTokens,
    cache_read_input_tokens: cachedTokens,
  };
}

function messageBody(options: SimulatorOptions, model: string, id: string, generations: readonly Generation[]): string {
  const generation = generations[0]!;
  const call = generation.answer.toolCall;
  const block =
    call === undefined
      ? { type: 'text', text: textOf(generation) }
      : { type: 'tool_use', id: `toolu_${id.slice(9)}`, name: call.name, input: JSON.parse(argumentsOf(generation)) as JsonObject };
  return JSON.stringify({
    id,
    type: 'message',
    role: 'assistant',
    content: [block],
    model,
    stop_reason: stopReasons[generation.finish!] ?? null,
    stop_sequence: null,
    usage: usageJson(options, generations),
  });
}
