// request-fields.ts: reads the fields that all generating requests share, and refuses what vLLM refuses.

import type { Generation } from '../generation.ts';
import type { SimulatorOptions } from '../options.ts';
import type { Job } from '../serving.ts';
import { naturalLength, promptSeed, proseAnswer, toolCallAnswer, type Answer } from '../text/answer.ts';
import type { JsonObject } from '../text/chat-template.ts';
import { ApiError, badRequest, missingField, validationError } from './api-error.ts';

/** What a generating request asks of the engine. */
export interface GenerationRequest {
  readonly jobs: readonly Job[];
  readonly model: string;
}

/** The name that serves `model`: itself, or the base model if it is missing or empty. */
export function servedModel(options: SimulatorOptions, model: unknown): string {
  if (model === undefined || model === null || model === '') return options.model;
  if (model === options.model || options.loras.includes(String(model))) return String(model);
  const aliases = [options.model, ...options.loras].join(', ');
  throw new ApiError(404, 'NotFoundError', `The model \`${String(model)}\` does not exist. Valid aliases: ${aliases}.`, 'model');
}

export function readList(body: JsonObject, field: string): JsonObject[] {
  const value = body[field];
  if (value === undefined) throw missingField(field, body);
  if (!Array.isArray(value)) {
    throw validationError(`{'type': 'list_type', 'loc': 'body.${field}', 'msg': 'Input should be a valid list'}`, `body.${field}`);
  }
  return value as JsonObject[];
}

/** `tools` as function tools in chat form; an empty list is refused. */
export function readTools(body: JsonObject, toChatTool: (tool: JsonObject) => JsonObject = (tool) => tool): JsonObject[] | undefined {
  if (body['tools'] === undefined || body['tools'] === null) return undefined;
  const tools = readList(body, 'tools');
  if (tools.length === 0) throw validationError("{'type': 'value_error', 'loc': 'body', 'msg': 'Value error, `tools` must not be empty.'}", 'body');
  return tools.map(toChatTool);
}

/** The tool that "required" or a named choice asks for. With "auto" the model talks instead. */
export function forcedTool(tools: readonly JsonObject[] | undefined, choice: unknown): JsonObject | undefined {
  if (choice === 'required') return tools?.[0];
  if (typeof choice !== 'object' || choice === null) return undefined;
  const named = (choice as JsonObject)['function'] as JsonObject | undefined;
  const tool = tools?.find((candidate) => (candidate['function'] as JsonObject | undefined)?.['name'] === named?.['name']);
  if (tool === undefined) throw badRequest('The tool specified in `tool_choice` does not match any of the specified `tools`', 'tool_choice');
  return tool;
}

export function checkStreamOptions(body: JsonObject): void {
  if ((body['stream_options'] ?? null) === null || body['stream'] === true) return;
  throw badRequest('Stream options can only be defined when `stream=True`.', 'stream_options');
}

/** Fields that make the template render another prompt. */
export function readTemplateArguments(body: JsonObject): JsonObject | undefined {
  const found: JsonObject = {};
  for (const field of ['chat_template_kwargs', 'reasoning_effort', 'documents']) {
    if (body[field] !== undefined && body[field] !== null) found[field] = body[field];
  }
  return Object.keys(found).length === 0 ? undefined : found;
}

export interface JobFields {
  readonly model: string;
  readonly body: JsonObject;
  readonly prompts: readonly Int32Array[];
  /** undefined: as much as fits. */
  readonly tokensMax: number | undefined;
  /** The tool that the answer has to call. */
  readonly tool?: JsonObject | undefined;
}

/** One job for each choice of each prompt. */
export function makeJobs(options: SimulatorOptions, fields: JobFields): Job[] {
  const { body, model, prompts } = fields;
  const choices = typeof body['n'] === 'number' ? body['n'] : 1;
  if (!Number.isInteger(choices) || choices < 1 || choices > 16_384) throw badRequest(`n must be an int, but is of type or value ${String(body['n'])}`, 'n');
  const salt = body['cache_salt'];
  if (salt !== undefined && salt !== null && (typeof salt !== 'string' || salt === '')) {
    const message = 'Value error, Parameter `cache_salt` must be a non-empty string if provided.';
    throw validationError(`{'type': 'value_error', 'loc': 'body', 'msg': '${message}'}`, 'body');
  }
  const readsCache = (body['prompt_logprobs'] ?? null) === null && !(body['echo'] === true && (body['logprobs'] ?? null) !== null);
  const jobs: Job[] = [];
  for (const prompt of prompts) {
    const tokensMax = checkLength(options, prompt, fields.tokensMax);
    for (let choice = 0; choice < choices; choice++) {
      const answer = makeAnswer(options, fields, promptSeed(prompt, options.seed + choice), tokensMax);
      jobs.push({ index: jobs.length, model, prompt, answer, tokensMax, salt: salt ?? undefined, readsCache });
    }
  }
  return jobs;
}

function makeAnswer(options: SimulatorOptions, { body, tool }: JobFields, seed: number, tokensMax: number): Answer {
  if (tool !== undefined) {
    const { name, parameters } = (tool['function'] ?? {}) as JsonObject;
    return toolCallAnswer(seed, String(name), parameters);
  }
  const lengthMin = typeof body['min_tokens'] === 'number' ? body['min_tokens'] : 0;
  const length = Math.max(lengthMin + 1, naturalLength(seed, options.answerTokens));
  return proseAnswer(seed, length, tokensMax, body['ignore_eos'] !== true);
}

/** The limit for the answer, or vLLM's complaint about the length. It names only the least the prompt must have. */
function checkLength({ modelTokensMax }: SimulatorOptions, prompt: Int32Array, tokensMax: number | undefined): number {
  if (tokensMax !== undefined && tokensMax < 1) throw badRequest(`max_tokens must be at least 1, got ${tokensMax}.`, 'max_tokens');
  if (tokensMax !== undefined && tokensMax > modelTokensMax) {
    throw badRequest(
      `max_tokens=${tokensMax} cannot be greater than max_model_len=${modelTokensMax}. Please request fewer output tokens. ` +
        `(parameter=max_tokens, value=${tokensMax})`,
      'max_tokens',
    );
  }
  if (prompt.length >= modelTokensMax) {
    const least = modelTokensMax + 1;
    throw badRequest(
      `This model's maximum context length is ${modelTokensMax} tokens. However, your prompt contains at least ${least} input tokens, which exceeds ` +
        `this limit even without any output tokens. Please reduce the length of the input prompt. (parameter=input_tokens, value=${least})`,
      'input_tokens',
    );
  }
  if (tokensMax !== undefined && prompt.length + tokensMax > modelTokensMax) {
    const least = modelTokensMax - tokensMax + 1;
    throw badRequest(
      `This model's maximum context length is ${modelTokensMax} tokens. However, you requested ${tokensMax} output tokens and your prompt contains at ` +
        `least ${least} input tokens, for a total of at least ${modelTokensMax + 1} tokens. Please reduce the length of the input prompt or the number ` +
        `of requested output tokens. (parameter=input_tokens, value=${least})`,
      'input_tokens',
    );
  }
  return tokensMax ?? modelTokensMax - prompt.length;
}

export function readNumber(body: JsonObject, ...names: readonly string[]): number | undefined {
  for (const name of names) if (typeof body[name] === 'number') return body[name];
  return undefined;
}

/** The text of a choice that calls no tool. */
export function textOf({ answer, deliveredTokens }: Generation): string {
  return answer.texts.slice(0, deliveredTokens).join('');
}

/** The arguments of a choice that calls a tool. */
export function argumentsOf({ answer }: Generation): string {
  return answer.texts.slice(answer.toolCall?.argumentsStart, answer.toolCall?.argumentsEnd).join('');
}
