// chat.ts: POST /v1/chat/completions.

import { usageOf, type FinishReason, type Generation, type Usage } from '../generation.ts';
import type { SimulatorOptions } from '../options.ts';
import { renderChat, type JsonObject } from '../text/chat-template.ts';
import { openAiErrors } from './api-error.ts';
import {
  argumentsOf,
  checkStreamOptions,
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
import { countsJson, streamUsage } from './stream-usage.ts';
import { fingerprint } from './wire-names.ts';

export function readChat(options: SimulatorOptions, body: JsonObject): GenerationRequest {
  const messages = readList(body, 'messages');
  checkStreamOptions(body);
  const model = servedModel(options, body['model']);
  const tools = readTools(body);
  const prompt = renderChat({
    messages,
    tools,
    templateArguments: readTemplateArguments(body),
    addGenerationPrompt: body['add_generation_prompt'] !== false,
  });
  const tokensMax = readNumber(body, 'max_completion_tokens', 'max_tokens');
  const jobs = makeJobs(options, { body, model, prompts: [prompt], tokensMax, tool: forcedTool(tools, body['tool_choice']) });
  return { jobs, model };
}

export function chatSurface(options: SimulatorOptions, body: JsonObject, request: GenerationRequest, idBase: string): Surface {
  const id = `chatcmpl-${idBase}`;
  const created = Math.floor(Date.now() / 1000);
  return body['stream'] === true
    ? streamedChat(options, body, request, id, created)
    : { ...openAiErrors, streams: false, token: noEvents, close: noEvents, body: (generations) => chatBody(options, request.model, id, created, generations) };
}

function streamedChat(options: SimulatorOptions, body: JsonObject, { jobs, model }: GenerationRequest, id: string, created: number): Surface {
  const { usageChunk, continuous } = streamUsage(options, body);
  const head = `data: {"id":${JSON.stringify(id)},"object":"chat.completion.chunk","created":${created},"model":${JSON.stringify(model)},"choices":[`;
  const heads = jobs.map((job) => `${head}{"index":${job.index},"delta":`);
  let opened = false;

  const runningUsage = (generation: Generation, outputTokens: number): string =>
    continuous ? `,"usage":${countsJson(generation.promptTokens, outputTokens)},"completion_tokens_details":null}` : '';
  const openChoices = (generation: Generation, send: Send): void => {
    if (opened) return;
    opened = true;
    for (const choice of heads) {
      const usage = runningUsage(generation, 0);
      const role = '{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]';
      send(`${choice}${role}${usage},"prompt_token_ids":null,"prompt_text":null}\n\n`);
    }
  };
  const sendDelta = (generation: Generation, delta: string, finish: FinishReason | undefined, send: Send): void => {
    const reason = finish === undefined ? 'null' : `"${finish}","stop_reason":null`;
    const print = finish === undefined || usageChunk ? '' : `,"system_fingerprint":"${fingerprint}"`;
    const usage = runningUsage(generation, generation.deliveredTokens);
    send(`${heads[generation.index]}${delta},"logprobs":null,"finish_reason":${reason},"token_ids":null}]${usage}${print}}\n\n`);
  };

  return {
    ...openAiErrors,
    streams: true,
    token(generation, at, finish, send) {
      openChoices(generation, send);
      const delta = generation.answer.toolCall === undefined ? textDelta(generation, at) : toolDelta(generation, at, id);
      if (delta !== undefined) sendDelta(generation, delta, finish, send);
      else if (finish !== undefined) sendDelta(generation, '{}', finish, send);
    },
    close(generations, send) {
      if (usageChunk) {
        const usage = usageOf(generations, options.blockTokens);
        const counts = countsJson(usage.promptTokens, usage.outputTokens);
        send(`${head}],"usage":${counts}${streamDetails(options, usage)}},"system_fingerprint":"${fingerprint}"}\n\n`);
      }
      send('data: [DONE]\n\n');
    },
    body: () => '',
  };
}

function textDelta({ answer }: Generation, at: number): string {
  return `{"content":${JSON.stringify(at < 0 ? '' : answer.texts[at])}}`;
}

/** The call's name comes with the first token, its arguments piece by piece; the tokens around them show nothing. */
function toolDelta({ answer, index }: Generation, at: number, id: string): string | undefined {
  const call = answer.toolCall!;
  if (at === 0) {
    const start = { id: `chatcmpl-tool-${id.slice(9)}${index}`, type: 'function', index: 0, function: { name: call.name, arguments: '' } };
    return JSON.stringify({ tool_calls: [start] });
  }
  if (at < call.argumentsStart || at >= call.argumentsEnd) return undefined;
  return JSON.stringify({ tool_calls: [{ index: 0, function: { arguments: answer.texts[at] } }] });
}

function streamDetails(options: SimulatorOptions, { cachedTokens, createdTokens }: Usage): string {
  return options.promptTokensDetails ? `,"prompt_tokens_details":{"cached_tokens":${cachedTokens},"created_cache_tokens":${createdTokens}}` : '';
}

function chatBody(options: SimulatorOptions, model: string, id: string, created: number, generations: readonly Generation[]): string {
  const usage = usageOf(generations, options.blockTokens);
  const { cachedTokens, createdTokens } = usage;
  const choices = generations.map((generation) => ({
    index: generation.index,
    message: chatMessage(generation, id),
    logprobs: null,
    finish_reason: generation.finish,
    stop_reason: null,
    token_ids: null,
    routed_experts: null,
  }));
  return JSON.stringify({
    id,
    object: 'chat.completion',
    created,
    model,
    choices,
    service_tier: null,
    system_fingerprint: fingerprint,
    usage: {
      prompt_tokens: usage.promptTokens,
      total_tokens: usage.promptTokens + usage.outputTokens,
      completion_tokens: usage.outputTokens,
      prompt_tokens_details: options.promptTokensDetails
        ? { cached_tokens: cachedTokens, created_cache_tokens: createdTokens, multimodal_tokens: null }
        : null,
      completion_tokens_details: null,
    },
    prompt_logprobs: null,
    prompt_token_ids: null,
    prompt_text: null,
    kv_transfer_params: null,
    ec_transfer_params: null,
    metrics: null,
  });
}

function chatMessage(generation: Generation, id: string): JsonObject {
  const call = generation.answer.toolCall;
  const rest = { refusal: null, annotations: null, audio: null, function_call: null };
  if (call === undefined) return { role: 'assistant', content: textOf(generation), ...rest, reasoning: null };
  const called = { name: call.name, arguments: argumentsOf(generation) };
  const calls = [{ id: `chatcmpl-tool-${id.slice(9)}${generation.index}`, type: 'function', function: called }];
  return { role: 'assistant', content: null, ...rest, tool_calls: calls, reasoning: null };
}
