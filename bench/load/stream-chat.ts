// stream-chat.ts: one streamed chat completion, timed as its client sees it.

import type { Dispatcher } from 'undici';
import { request } from 'undici';

export interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export interface ChatCall {
  /** Up to and without `/v1`. */
  readonly baseUrl: string;
  readonly model: string;
  readonly messages: readonly Message[];
  readonly answerTokensMax: number;
  /** Left out, 0. */
  readonly temperature?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly connections: Dispatcher;
  readonly nowS: () => number;
  readonly signal?: AbortSignal;
}

/** Times are the clock's seconds, counts are the server's own. */
export interface ChatAnswer {
  readonly text: string;
  readonly launchedS: number;
  readonly firstTokenS: number;
  readonly finishedS: number;
  readonly promptTokens: number;
  /** 0 when the server does not say. */
  readonly cachedTokens: number;
  readonly answerTokens: number;
}

interface Chunk {
  readonly choices?: readonly { readonly delta?: { readonly content?: string | null; readonly reasoning_content?: string | null } }[];
  readonly usage?: { prompt_tokens: number; completion_tokens: number; prompt_tokens_details?: { cached_tokens?: number } | null } | null;
  readonly error?: { readonly message?: string };
}

const ERROR_TEXT_LENGTH_MAX = 300;

/** Rejects unless the answer is a 200 whose stream ends with `[DONE]` and holds usage. */
export async function streamChat(call: ChatCall): Promise<ChatAnswer> {
  const { nowS } = call;
  const launchedS = nowS();
  const { statusCode, body } = await request(`${call.baseUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...call.headers },
    body: JSON.stringify({
      model: call.model,
      messages: call.messages,
      temperature: call.temperature ?? 0,
      stream: true,
      max_tokens: call.answerTokensMax,
      stream_options: { include_usage: true },
    }),
    dispatcher: call.connections,
    headersTimeout: 0,
    bodyTimeout: 0,
    signal: call.signal ?? null,
  });
  if (statusCode !== 200) throw new Error(`${call.baseUrl} answered ${statusCode}: ${(await body.text()).slice(0, ERROR_TEXT_LENGTH_MAX)}`);

  let text = '';
  let firstTokenS: number | undefined;
  let usage: Chunk['usage'];
  let done = false;
  for await (const data of events(body)) {
    if (data === '[DONE]') {
      done = true;
      continue;
    }
    const chunk = JSON.parse(data) as Chunk;
    if (chunk.error !== undefined) throw new Error(`${call.baseUrl} broke off: ${chunk.error.message ?? data}`);
    usage = chunk.usage ?? usage;
    const delta = chunk.choices?.[0]?.delta;
    const words = delta?.content || delta?.reasoning_content || '';
    if (words !== '') firstTokenS ??= nowS();
    text += words;
  }
  if (!done || usage === undefined || usage === null) throw new Error(`${call.baseUrl} ended a stream without ${done ? 'usage' : '[DONE]'}`);
  const finishedS = nowS();
  return {
    text,
    launchedS,
    firstTokenS: firstTokenS ?? finishedS,
    finishedS,
    promptTokens: usage.prompt_tokens,
    cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    answerTokens: usage.completion_tokens,
  };
}

/** The data of each server-sent event; every event of vLLM is one line. */
async function* events(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data: ')) yield line.slice('data: '.length).trimEnd();
  }
}
