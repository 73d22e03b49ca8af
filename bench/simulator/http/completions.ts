// completions.ts: POST /v1/completions.

import { usageOf, type Generation } from '../generation.ts';
import type { SimulatorOptions } from '../options.ts';
import type { JsonObject } from '../text/chat-template.ts';
import { special, tokenize } from '../text/tokenizer.ts';
import { badRequest, missingField, openAiErrors } from './api-error.ts';
import { checkStreamOptions, makeJobs, readNumber, servedModel, textOf, type GenerationRequest } from './request-fields.ts';
import { noEvents, type Surface } from './run.ts';
import { countsJson, streamUsage } from './stream-usage.ts';
import { fingerprint } from './wire-names.ts';

const TOKENS_MAX_DEFAULT = 16;
const PROMPTS_MAX = 1024;

export function readCompletion(options: SimulatorOptions, body: JsonObject): GenerationRequest {
  checkStreamOptions(body);
  const prompts = readPrompts(body);
  const model = servedModel(options, body['model']);
  const jobs = makeJobs(options, { body, model, prompts, tokensMax: readNumber(body, 'max_tokens') ?? TOKENS_MAX_DEFAULT });
  return { jobs, model };
}

/** A text, texts, token ids, or lists of token ids. */
function readPrompts(body: JsonObject): Int32Array[] {
  const prompt = body['prompt'];
  if (prompt === undefined || prompt === null) throw missingField('prompt', body);
  const list: unknown[] = Array.isArray(prompt) && typeof prompt[0] !== 'number' ? prompt : [prompt];
  if (list.length === 0 || list.length > PROMPTS_MAX) throw badRequest(`prompt must have 1 to ${PROMPTS_MAX} entries, got ${list.length}.`, 'prompt');
  return list.map((one) => {
    const tokens = Array.isArray(one) ? Int32Array.from(one as number[]) : tokenize(String(one));
    return tokens.length > 0 ? tokens : Int32Array.of(special.start);
  });
}

export function completionSurface(options: SimulatorOptions, body: JsonObject, request: GenerationRequest, idBase: string): Surface {
  const id = `cmpl-${idBase}`;
  const created = Math.floor(Date.now() / 1000);
  if (body['stream'] === true) return streamedCompletion(options, body, request, id, created);
  return {
    ...openAiErrors,
    streams: false,
    token: noEvents,
    close: noEvents,
    body: (generations) => completionBody(options, request.model, id, created, generations),
  };
}

function streamedCompletion(options: SimulatorOptions, body: JsonObject, { jobs, model }: GenerationRequest, id: string, created: number): Surface {
  const { usageChunk, continuous } = streamUsage(options, body);
  const head = `data: {"id":${JSON.stringify(id)},"object":"text_completion","created":${created},"model":${JSON.stringify(model)},"choices":[`;
  const heads = jobs.map((job) => `${head}{"index":${job.index},"text":`);
  return {
    ...openAiErrors,
    streams: true,
    token(generation, at, finish, send) {
      const text = JSON.stringify(at < 0 ? '' : generation.answer.texts[at]);
      const reason = finish === undefined ? 'null' : `"${finish}"`;
      const counts = continuous ? `,"usage":${countsJson(generation.promptTokens, generation.deliveredTokens)}}` : '';
      const print = finish === undefined || usageChunk ? '' : `,"system_fingerprint":"${fingerprint}"`;
      const rest = `"logprobs":null,"finish_reason":${reason},"stop_reason":null,"prompt_token_ids":null,"token_ids":null}]`;
      send(`${heads[generation.index]}${text},${rest}${counts}${print}}\n\n`);
    },
    close(generations, send) {
      if (usageChunk) {
        const usage = usageOf(generations, options.blockTokens);
        const details = options.promptTokensDetails ? `,"prompt_tokens_details":{"cached_tokens":${usage.cachedTokens}}` : '';
        send(`${head}],"usage":${countsJson(usage.promptTokens, usage.outputTokens)}${details}},"system_fingerprint":"${fingerprint}"}\n\n`);
      }
      send('data: [DONE]\n\n');
    },
    body: () => '',
  };
}

function completionBody(options: SimulatorOptions, model: string, id: string, created: number, generations: readonly Generation[]): string {
  const usage = usageOf(generations, options.blockTokens);
  const details = { cached_tokens: usage.cachedTokens, created_cache_tokens: null, multimodal_tokens: null };
  return JSON.stringify({
    id,
    object: 'text_completion',
    created,
    model,
    choices: generations.map((generation) => ({
      index: generation.index,
      text: textOf(generation),
      logprobs: null,
      finish_reason: generation.finish,
      stop_reason: null,
      token_ids: null,
      prompt_logprobs: null,
      prompt_token_ids: null,
      routed_experts: null,
    })),
    service_tier: null,
    system_fingerprint: fingerprint,
    usage: {
      prompt_tokens: usage.promptTokens,
      total_tokens: usage.promptTokens + usage.outputTokens,
      completion_tokens: usage.outputTokens,
      prompt_tokens_details: options.promptTokensDetails ? details : null,
      completion_tokens_details: null,
    },
    kv_transfer_params: null,
    ec_transfer_params: null,
    metrics: null,
  });
}
