// responses.ts: POST /v1/responses.

import { usageOf, type FinishReason, type Generation } from '../generation.ts';
import type { SimulatorOptions } from '../options.ts';
import { renderChat, type JsonObject } from '../text/chat-template.ts';
import { missingField, openAiErrors } from './api-error.ts';
import type { ResponseStore } from './response-store.ts';
import {
  argumentsOf,
  forcedTool,
  makeJobs,
  readNumber,
  readTemplateArguments,
  readTools,
  servedModel,
  textOf,
  type GenerationRequest,
} from './request-fields.ts';
import { noEvents, type Send, type Surface } from './run.ts';

export interface ResponseRequest extends GenerationRequest {
  readonly messages: readonly JsonObject[];
}

export function readResponse(options: SimulatorOptions, store: ResponseStore, body: JsonObject): ResponseRequest {
  if (body['input'] === undefined) throw missingField('input', body);
  const model = servedModel(options, body['model']);
  const previous = body['previous_response_id'];
  const before = typeof previous === 'string' ? store.get(previous).messages : [];
  const { instructions } = body;
  const system = typeof instructions === 'string' ? [{ role: 'system', content: instructions }] : [];
  const messages = [...before, ...readInput(body['input'])];
  const tools = readTools(body, ({ type, name, description, parameters, strict }) => ({ type, function: { name, description, parameters, strict } }));
  const prompt = renderChat({ messages: [...system, ...messages], tools, templateArguments: readTemplateArguments(body) });
  const choice = body['tool_choice'];
  const named = typeof choice === 'object' && choice !== null ? { function: choice } : choice;
  const tokensMax = readNumber(body, 'max_output_tokens');
  const jobs = makeJobs(options, { body: { ...body, n: undefined }, model, prompts: [prompt], tokensMax, tool: forcedTool(tools, named) });
  return { jobs, model, messages };
}

function readInput(input: unknown): JsonObject[] {
  if (typeof input === 'string') return [{ role: 'user', content: input }];
  if (!Array.isArray(input)) return [];
  return (input as JsonObject[]).flatMap((item): JsonObject[] => {
    const { type, name, arguments: args, output } = item;
    if (type === 'function_call') return [{ role: 'assistant', tool_calls: [{ function: { name, arguments: args } }] }];
    if (type === 'function_call_output') return [{ role: 'tool', content: output }];
    return type === 'reasoning' ? [] : [item];
  });
}

export function responseSurface(
  options: SimulatorOptions, store: ResponseStore, body: JsonObject, request: ResponseRequest, idBase: string,
): Surface {
  const id = `resp_${idBase}`;
  const createdS = Math.floor(Date.now() / 1000);
  const finished = (generations: readonly Generation[]): JsonObject => {
    const generation = generations[0]!;
    const item = outputItem(generation, idBase, 'completed');
    const response = responseObject(body, request.model, id, createdS, options, generations, item);
    store.put(id, { body: JSON.stringify(response), messages: [...request.messages, answerMessage(generation)] });
    return response;
  };
  if (body['stream'] !== true) {
    return { ...openAiErrors, streams: false, token: noEvents, close: noEvents, body: (generations) => JSON.stringify(finished(generations)) };
  }
  const events = numberedEvents();
  return {
    ...openAiErrors,
    streams: true,
    open(send) {
      const response = responseObject(body, request.model, id, createdS, options, undefined, undefined);
      send(events('response.created', { response }));
      send(events('response.in_progress', { response }));
    },
    token: (generation, at, finish, send) => streamToken(events, idBase, generation, at, finish, send),
    close: (generations, send) => send(events('response.completed', { response: finished(generations) })),
    body: () => '',
  };
}

type Events = (type: string, fields: JsonObject) => string;

/** Each event carries its place in the stream; vLLM writes the fields in the alphabet's order. */
function numberedEvents(): Events {
  let next = 0;
  return (type, fields) => {
    const entries = Object.entries({ ...fields, sequence_number: next++ }).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return `event: ${type}\ndata: ${JSON.stringify({ ...Object.fromEntries(entries), type })}\n\n`;
  };
}

function streamToken(events: Events, idBase: string, generation: Generation, at: number, finish: FinishReason | undefined, send: Send): void {
  const { answer } = generation;
  const call = answer.toolCall;
  const place = { item_id: itemId(generation, idBase), output_index: 0 };
  const part = { annotations: [], text: '', type: 'output_text' };
  if (at === 0 || (at < 0 && generation.deliveredTokens === 0)) {
    send(events('response.output_item.added', { item: outputItem(generation, idBase, 'in_progress'), output_index: 0 }));
    if (call === undefined) send(events('response.content_part.added', { content_index: 0, ...place, part: { ...part, logprobs: [] } }));
  }
  const text = at < 0 ? '' : answer.texts[at]!;
  if (call === undefined && text !== '') send(events('response.output_text.delta', { content_index: 0, delta: text, logprobs: [], ...place }));
  if (call !== undefined && at >= call.argumentsStart && at < call.argumentsEnd) {
    send(events('response.function_call_arguments.delta', { delta: text, ...place }));
  }
  if (finish === undefined) return;
  if (call === undefined) {
    const whole = textOf(generation);
    send(events('response.output_text.done', { content_index: 0, logprobs: [], text: whole, ...place }));
    send(events('response.content_part.done', { content_index: 0, ...place, part: { ...part, text: whole, logprobs: null } }));
  } else {
    send(events('response.function_call_arguments.done', { arguments: argumentsOf(generation), name: call.name, ...place }));
  }
  send(events('response.output_item.done', { item: outputItem(generation, idBase, 'completed'), output_index: 0 }));
}

function itemId({ answer }: Generation, idBase: string): string {
  return `${answer.toolCall === undefined ? 'msg' : 'fc'}_${idBase}`;
}

function outputItem(generation: Generation, idBase: string, status: 'in_progress' | 'completed'): JsonObject {
  const id = itemId(generation, idBase);
  const call = generation.answer.toolCall;
  const done = status === 'completed';
  if (call !== undefined) {
    return { arguments: done ? argumentsOf(generation) : '', call_id: `call_${idBase}`, name: call.name, type: 'function_call', id, status };
  }
  const content = done ? [{ annotations: [], text: textOf(generation), type: 'output_text', logprobs: null }] : [];
  return { id, content, role: 'assistant', status, type: 'message', phase: null };
}

function answerMessage(generation: Generation): JsonObject {
  const call = generation.answer.toolCall;
  if (call === undefined) return { role: 'assistant', content: textOf(generation) };
  return { role: 'assistant', tool_calls: [{ function: { name: call.name, arguments: argumentsOf(generation) } }] };
}

function responseObject(
  body: JsonObject, model: string, id: string, createdS: number, options: SimulatorOptions,
  generations: readonly Generation[] | undefined, item: JsonObject | undefined,
): JsonObject {
  const cut = generations?.[0]?.finish === 'length';
  const tools = body['tools'] ?? [];
  return {
    id,
    created_at: createdS,
    incomplete_details: cut ? { reason: 'max_output_tokens' } : null,
    instructions: body['instructions'] ?? null,
    metadata: body['metadata'] ?? null,
    model,
    object: 'response',
    output: item === undefined ? [] : [item],
    parallel_tool_calls: true,
    temperature: body['temperature'] ?? 1,
    tool_choice: body['tool_choice'] ?? (body['tools'] === undefined ? 'none' : 'auto'),
    tools,
    top_p: body['top_p'] ?? 1,
    background: false,
    max_output_tokens: body['max_output_tokens'] ?? null,
    max_tool_calls: null,
    previous_response_id: body['previous_response_id'] ?? null,
    prompt: null,
    reasoning: null,
    service_tier: 'auto',
    status: generations === undefined ? 'in_progress' : cut ? 'incomplete' : 'completed',
    text: null,
    top_logprobs: null,
    truncation: 'disabled',
    usage: generations === undefined ? null : usageJson(options, generations),
    user: null,
    presence_penalty: 0,
    frequency_penalty: 0,
    kv_transfer_params: null,
    ec_transfer_params: null,
    input_messages: null,
    output_messages: null,
  };
}

function usageJson(options: SimulatorOptions, generations: readonly Generation[]): JsonObject {
  const { promptTokens, outputTokens, cachedTokens, createdTokens } = usageOf(generations, options.blockTokens);
  const cache = options.promptTokensDetails ? { cached_tokens: cachedTokens, cache_write_tokens: createdTokens } : { cached_tokens: 0, cache_write_tokens: 0 };
  return {
    input_tokens: promptTokens,
    input_tokens_details: { ...cache, input_tokens_per_turn: [], cached_tokens_per_turn: [] },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0, tool_output_tokens: 0, output_tokens_per_turn: [], tool_output_tokens_per_turn: [] },
    total_tokens: promptTokens + outputTokens,
  };
}
