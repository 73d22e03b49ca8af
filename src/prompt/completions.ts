// completions.ts: the prompts of a text completion as canonical prompts.

import type { Chain } from '../core/chain.ts';
import { canonicalText } from './canonical-text.ts';
import type { ChainWriter, Noted } from './chain-writer.ts';
import { MEDIA_BYTES } from './content.ts';
import type { JsonObject } from './json-body.ts';
import { PIECE } from './piece.ts';
import { writeArguments } from './preamble.ts';

/** vLLM refuses more (VLLM_MAX_COMPLETION_PROMPTS), so more are not worth reading. */
const PROMPTS_MAX = 1_024;

/** A raw text has no first message: so much of it keeps a conversation together instead. */
const OPENING_BYTES = 1_024;

/** One of the sequences that a completion continues. `opaque` is known by its digest: embeddings, or what only the engine can judge. */
export type CompletionPrompt =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'tokens'; readonly ids: readonly unknown[] }
  | { readonly kind: 'opaque'; readonly value: unknown };

export function completionPrompts(body: JsonObject): readonly CompletionPrompt[] {
  const texts = asList(body['prompt']).map(readPrompt);
  const embeddings = asList(body['prompt_embeds']).map((value) => ({ kind: 'opaque', value }) as const);
  return [...texts, ...embeddings];
}

/** What was noted before, and the arguments that all prompts of a body share. */
export function noteArguments(writer: ChainWriter, body: JsonObject): Noted {
  writeArguments(writer, body, true);
  return writer.noted();
}

export function writePrompt(writer: ChainWriter, noted: Noted, prompt: CompletionPrompt): void {
  writer.begin(noted);
  if (prompt.kind === 'text') writer.text(PIECE.text, prompt.text);
  else if (prompt.kind === 'tokens') writer.tokens(prompt.ids);
  else writer.opaque(PIECE.media, canonicalText(prompt.value), MEDIA_BYTES);
  writer.endMessage();
}

/** Blocks that end within the first KiB, at least one. */
export function openingOfText(chain: Chain): number {
  let blocks = Math.min(1, chain.length);
  while (blocks < chain.length && (chain.ends[blocks] ?? 0) <= OPENING_BYTES) blocks += 1;
  return blocks;
}

/** A list of numbers is one prompt. */
function asList(prompt: unknown): readonly unknown[] {
  if (prompt === undefined || prompt === null) return [];
  if (!Array.isArray(prompt)) return [prompt];
  return isTokenIds(prompt) ? [prompt] : prompt.slice(0, PROMPTS_MAX);
}

function readPrompt(prompt: unknown): CompletionPrompt {
  if (typeof prompt === 'string') return { kind: 'text', text: prompt };
  return Array.isArray(prompt) && isTokenIds(prompt) ? { kind: 'tokens', ids: prompt } : { kind: 'opaque', value: prompt };
}

function isTokenIds(list: readonly unknown[]): boolean {
  return typeof list[0] === 'number';
}
