// pooling.ts: the routes that generate nothing: token counts, embeddings, ranks, transcriptions.

import { createHash } from 'node:crypto';
import type { SimulatorOptions } from '../options.ts';
import { renderChat, type JsonObject } from '../text/chat-template.ts';
import { tokenize } from '../text/tokenizer.ts';
import { missingField } from './api-error.ts';
import { readTemplateArguments, readTools, servedModel } from './request-fields.ts';

const EMBEDDING_SIZE = 8;

export function tokenizeBody(options: SimulatorOptions, body: JsonObject): string {
  servedModel(options, body['model']);
  const { messages, prompt } = body;
  if (!Array.isArray(messages) && typeof prompt !== 'string') throw missingField('prompt', body);
  const tokens = Array.isArray(messages)
    ? renderChat({
        messages: messages as JsonObject[],
        tools: readTools(body),
        templateArguments: readTemplateArguments(body),
        addGenerationPrompt: body['add_generation_prompt'] !== false,
      })
    : tokenize(String(prompt));
  return JSON.stringify({ count: tokens.length, max_model_len: options.modelTokensMax, tokens: [...tokens], token_strs: null });
}

export function embeddingsBody(options: SimulatorOptions, body: JsonObject, idBase: string): string {
  const model = servedModel(options, body['model']);
  const { input } = body;
  if (input === undefined) throw missingField('input', body);
  const inputs: unknown[] = Array.isArray(input) && typeof input[0] !== 'number' ? input : [input];
  const tokens = inputs.reduce((sum: number, one) => sum + countTokens(one), 0);
  const data = inputs.map((one, index) => {
    const vector = Float32Array.from({ length: EMBEDDING_SIZE }, (_, at) => score(`${JSON.stringify(one)}\n${at}`) - 0.5);
    const embedding = body['encoding_format'] === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector];
    return { index, object: 'embedding', embedding };
  });
  const usage = { prompt_tokens: tokens, total_tokens: tokens, completion_tokens: 0, prompt_tokens_details: null };
  return JSON.stringify({ id: `embd-${idBase}`, object: 'list', created: Math.floor(Date.now() / 1000), model, data, usage });
}

export function rerankBody(options: SimulatorOptions, body: JsonObject, idBase: string): string {
  const model = servedModel(options, body['model']);
  const { query, documents, top_n: limit } = body;
  if (query === undefined) throw missingField('query', body);
  if (!Array.isArray(documents)) throw missingField('documents', body);
  const results = documents
    .map((document: unknown, index) => ({
      index,
      document: typeof document === 'string' ? { text: document } : document,
      relevance_score: score(JSON.stringify([query, document])),
    }))
    .toSorted((a, b) => b.relevance_score - a.relevance_score)
    .slice(0, typeof limit === 'number' && limit > 0 ? limit : undefined);
  const tokens = documents.reduce((sum: number, one: unknown) => sum + countTokens(query) + countTokens(one), 0);
  return JSON.stringify({ id: `rerank-${idBase}`, model, usage: { prompt_tokens: tokens, total_tokens: tokens }, results });
}

export function scoreBody(options: SimulatorOptions, body: JsonObject, idBase: string): string {
  const model = servedModel(options, body['model']);
  const queries = [body['text_1'] ?? body['queries']].flat();
  const documents = [body['text_2'] ?? body['documents']].flat();
  const data = documents.map((document: unknown, index) => ({
    index,
    object: 'score',
    score: score(JSON.stringify([queries[queries.length === 1 ? 0 : index], document])),
  }));
  const tokens = documents.reduce((sum: number, one: unknown) => sum + countTokens(one), 0);
  const usage = { prompt_tokens: tokens, total_tokens: tokens, completion_tokens: 0, prompt_tokens_details: null };
  return JSON.stringify({ id: `score-${idBase}`, object: 'list', created: Math.floor(Date.now() / 1000), model, data, usage });
}

function countTokens(input: unknown): number {
  return Array.isArray(input) ? input.length : tokenize(typeof input === 'string' ? input : JSON.stringify(input)).length;
}

/** A number from 0 to 1 that depends on the text alone. */
function score(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE() / 0x100000000;
}
