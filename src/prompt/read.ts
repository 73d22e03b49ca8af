// read.ts: body bytes → the facts that a decision needs.

import type { Chain } from '../core/chain.ts';
import { RequestError } from '../core/errors.ts';
import type { GenerationFacts, Surface } from '../core/request.ts';
import { canonicalJson } from './canonical-json.ts';
import { ChainWriter, PIECE } from './chain-writer.ts';
import { writeChat } from './chat.ts';
import { parseBody } from './json-body.ts';
import type { JsonObject } from './json-body.ts';

export interface PromptReaderOptions {
  /** Of this process: without it nobody can craft two prompts that look alike. */
  readonly secret: Uint8Array;
}

export interface PromptReader {
  /** Throws RequestError(400) for what is not JSON, not an object, or has a `model` that is not a string; the engine judges the rest. */
  read(surface: Surface, body: Uint8Array): GenerationFacts;
}

/** vLLM refuses more. */
const N_MAX = 16_384;

export function createPromptReader(options: PromptReaderOptions): PromptReader {
  const writer = new ChainWriter(options.secret);
  return {
    read(surface, bytes) {
      const body = parseBody(bytes);
      const model = readModel(body);
      const { prompts, openingBlocks } = readPrompts(writer, surface, body);
      return {
        kind: 'generation',
        surface,
        model,
        stream: body['stream'] === true,
        prompts,
        openingBlocks,
        weight: sequences(body['n']) * prompts.length,
        teaches: body['prompt_logprobs'] === undefined || body['prompt_logprobs'] === null,
        previousResponseId: undefined,
      };
    },
  };
}

function readModel(body: JsonObject): string {
  const model = body['model'] ?? '';
  if (typeof model !== 'string') throw new RequestError(400, "'model' must be a string", 'model');
  return model;
}

function sequences(n: unknown): number {
  return typeof n === 'number' && Number.isInteger(n) && n >= 1 && n <= N_MAX ? n : 1;
}

function readPrompts(writer: ChainWriter, _surface: Surface, body: JsonObject): { prompts: [Chain, ...Chain[]]; openingBlocks: number } {
  writer.begin();
  writeArguments(writer, body);
  const openingBlocks = writeChat(writer, body);
  return { prompts: [writer.finish()], openingBlocks };
}

/** What shapes the whole prompt stands before it. */
const ARGUMENTS = ['chat_template_kwargs', 'reasoning_effort', 'chat_template', 'documents'];

function writeArguments(writer: ChainWriter, body: JsonObject): void {
  const salt = body['cache_salt'];
  if (salt !== undefined && salt !== null && salt !== '') writer.note(PIECE.salt, canonicalJson(salt, 'cache_salt'));
  for (const name of ARGUMENTS) {
    const value = body[name];
    if (value === undefined || value === null) continue;
    writer.note(PIECE.argument, name);
    writer.note(PIECE.argument, canonicalJson(value, name));
  }
}
