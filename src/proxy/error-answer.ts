// error-answer.ts: the router's own errors, in the shape of the API that the client speaks.

import type { Refusal } from '../core/dispatcher.ts';
import type { Surface } from '../core/request.ts';

/** What a client is told when the router answers by itself. Never names an endpoint. */
export interface ErrorAnswer {
  readonly status: number;
  readonly message: string;
  /** Machine-readable: `model_unknown`, `no_endpoint_available`, … */
  readonly code: string;
  readonly param?: string | undefined;
  readonly retryAfterS?: number | undefined;
  /** `x-should-retry`; left out of the answer when undefined. */
  readonly shouldRetry?: boolean | undefined;
}

/** Name, value, name, value: when to come back, and whether at all. */
export function retryHeaders({ retryAfterS, shouldRetry }: Pick<ErrorAnswer, 'retryAfterS' | 'shouldRetry'>): string[] {
  return [...(retryAfterS === undefined ? [] : ['retry-after', String(retryAfterS)]), ...(shouldRetry === undefined ? [] : ['x-should-retry', String(shouldRetry)])];
}

/** What a client is told when there is no attempt for it: nothing was asked of an engine, so it may come back. */
export function refusalAnswer(refusal: Refusal): ErrorAnswer {
  const { status, message, reason, param, retryAfterS } = refusal;
  return { status, message, code: reason, param, retryAfterS, shouldRetry: status === 429 || status === 503 ? true : undefined };
}

/** Of other statuses below 500 the request is to blame, of those above nobody whom the client knows. */
const BLAMES_REQUEST = 'invalid_request_error';

const OPENAI_TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  404: 'not_found_error',
  429: 'rate_limit_error',
};

const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
};

/** The JSON body of an error answer. Anything that is not Anthropic's API gets OpenAI's shape. */
export function errorBody(surface: Surface | undefined, answer: ErrorAnswer): string {
  const isRequest = answer.status < 500;
  if (surface === 'messages') {
    return JSON.stringify({ type: 'error', error: { type: ANTHROPIC_TYPES[answer.status] ?? (isRequest ? BLAMES_REQUEST : 'api_error'), message: answer.message } });
  }
  const type = OPENAI_TYPES[answer.status] ?? (isRequest ? BLAMES_REQUEST : 'server_error');
  return JSON.stringify({ error: { message: answer.message, type, param: answer.param ?? null, code: answer.code } });
}

/** The event that tells a client of a stream that it broke, or that none came. No terminal event follows it. */
export function errorEvent(surface: Surface, message: string, code = 'upstream_error'): string {
  if (surface === 'messages') {
    return `event: error\ndata: ${JSON.stringify({ type: 'error', error: { type: 'api_error', message } })}\n\n`;
  }
  if (surface === 'responses') {
    return `event: error\ndata: ${JSON.stringify({ type: 'error', code, message, param: null, sequence_number: 0 })}\n\n`;
  }
  return `data: ${JSON.stringify({ error: { message, type: 'server_error', param: null, code } })}\n\n`;
}
