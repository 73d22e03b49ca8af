// read.ts: body bytes → the facts that a decision needs.

import { chainBytes } from '../core/chain.ts';
import type { Chain } from '../core/chain.ts';
import { RequestError } from '../core/errors.ts';
import type { GenerationFacts, Surface } from '../core/request.ts';
import { ChainWriter } from './chain-writer.ts';
import { writeChat } from './chat.ts';
import { completionPrompts, noteArguments, openingOfText, writePrompt } from './completions.ts';
import { parseBody, typeName } from './json-body.ts';
import type { JsonObject } from './json-body.ts';
import { JsonLimits } from './json-limits.ts';
import { writeMessages } from './messages.ts';
import { PIECE } from './piece.ts';
import { writeResponses } from './responses.ts';
import { canAskUsage } from './usage-wish.ts';

export interface PromptReaderOptions {
  /** Known to this process alone: without it nobody can craft two prompts that look alike. */
  readonly secret: Uint8Array;
}

export interface PromptReader {
  /**
   * Reads a request within one tick.
   *
   * Throws RequestError(400) for a body that is beyond the limits of json-limits.ts or not a JSON object, and for a `model` that stands twice or is
   * not a string. Whatever else is wrong with it, the engine is to judge. With a `tenant`, prompts of different ones have no block in common.
   */
  read(surface: Surface, body: Uint8Array, tenant?: string): GenerationFacts;
}

/** The most sequences that vLLM runs for a prompt. */
const N_MAX = 16_384;

/** One writer serves all requests: nothing that is returned shares memory with it. */
export function createPromptReader(options: PromptReaderOptions): PromptReader {
  const writer = new ChainWriter(options.secret);
  const limits = new JsonLimits(seedOf(options.secret));
  return {
    read(surface, bytes, tenant) {
      limits.check(bytes);
      const body = parseBody(bytes);
      const model = body['model'] ?? '';
      if (typeof model !== 'string') throw new RequestError(400, `'model' must be a string: it is ${typeName(model)}`, 'model');
      const { prompts, openingBlocks, teaches } = readPrompts(writer, surface, body, tenant);
      const previous = surface === 'responses' ? body['previous_response_id'] : undefined;
      return {
        kind: 'generation',
        surface,
        model,
        stream: body['stream'] === true,
        prompts,
        openingBlocks,
        weight: sequences(body['n']) * prompts.length,
        teaches: teaches && isPlain(body),
        canAskUsage: canAskUsage(surface, body),
        cacheSalt: typeof body['cache_salt'] === 'string' ? body['cache_salt'] : '',
        previousResponseId: typeof previous === 'string' && previous !== '' ? previous : undefined,
      };
    },
  };
}

function seedOf(secret: Uint8Array): number {
  return secret.reduce((seed, byte) => Math.imul(seed ^ byte, 0x9e3779b1), secret.length);
}

/** What a completion without a prompt has. */
const EMPTY: Chain = { length: 0, hashes: [], ends: [], marks: [] };

interface Prompts {
  readonly prompts: readonly [Chain, ...Chain[]];
  readonly openingBlocks: number;
  /** The engine's figures will be about text that is all here, and about one prompt. */
  readonly teaches: boolean;
}

const CONVERSATIONS = { chat: writeChat, responses: writeResponses, messages: writeMessages };

function readPrompts(writer: ChainWriter, surface: Surface, body: JsonObject, tenant: string | undefined): Prompts {
  writer.begin();
  if (tenant !== undefined) writer.note(PIECE.tenant, tenant);
  if (surface === 'completions') return readCompletion(writer, body);
  const openingBlocks = CONVERSATIONS[surface](writer, body);
  return { prompts: [writer.finish()], openingBlocks, teaches: writer.isText };
}

function readCompletion(writer: ChainWriter, body: JsonObject): Prompts {
  const prompts = completionPrompts(body);
  const noted = noteArguments(writer, body);
  let longest = EMPTY;
  const shorter: Chain[] = [];
  for (const [index, prompt] of prompts.entries()) {
    writePrompt(writer, noted, prompt);
    let chain = writer.finish();
    if (index === 0 || chainBytes(chain) > chainBytes(longest)) [longest, chain] = [chain, longest];
    if (index > 0) shorter.push(chain);
  }
  const teaches = prompts.length === 1 && prompts[0]?.kind === 'text';
  return { prompts: [longest, ...shorter], openingBlocks: openingOfText(longest), teaches };
}

function sequences(n: unknown): number {
  return typeof n === 'number' && Number.isInteger(n) && n >= 1 && n <= N_MAX ? n : 1;
}

/** Nothing in it keeps the engine from using its cache, cuts the prompt, or adds text that only the engine has. */
function isPlain(body: JsonObject): boolean {
  const echoesLogprobs = body['echo'] === true && isGiven(body['logprobs']);
  const isCut = isGiven(body['truncate_prompt_tokens']);
  return !echoesLogprobs && !isCut && !isGiven(body['prompt_logprobs']) && !isGiven(body['previous_response_id']);
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}
