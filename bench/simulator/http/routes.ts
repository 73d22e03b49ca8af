// routes.ts: which path answers what, and the checks that come before every handler.

import type { FaultState } from '../fault.ts';
import type { Serving } from '../serving.ts';
import type { JsonObject } from '../text/chat-template.ts';
import { anthropicBody, ApiError, openAiBody, validationError } from './api-error.ts';
import { listModels } from './catalogue.ts';
import { chatSurface, readChat } from './chat.ts';
import type { Exchange } from './exchange.ts';
import { run } from './run.ts';
import { version } from './wire-names.ts';

/** Answers, or throws an ApiError. */
type Handler = (exchange: Exchange, serving: Serving, faults: FaultState) => void;

interface Route {
  readonly method: 'GET' | 'POST';
  readonly handle: Handler;
}

export const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['/health', { method: 'GET', handle: health }],
  ['/version', { method: 'GET', handle: (exchange) => exchange.reply(200, JSON.stringify({ version })) }],
  ['/v1/models', { method: 'GET', handle: (exchange, serving) => exchange.reply(200, listModels(serving)) }],
  ['/metrics', { method: 'GET', handle: metrics }],
  ['/v1/chat/completions', { method: 'POST', handle: chat }],
]);

const guarded = /^\/(v1|v2|inference|cohere)(\/|$)/;

export async function answer(exchange: Exchange, serving: Serving, faults: FaultState): Promise<void> {
  const { request, path } = exchange;
  const { apiKey } = serving.options;
  if (apiKey !== undefined && guarded.test(path) && request.headers.authorization !== `Bearer ${apiKey}`) {
    exchange.reply(401, '{"error":"Unauthorized"}');
    return;
  }
  const route = routes.get(path);
  if (route === undefined) {
    exchange.reply(404, '{"detail":"Not Found"}');
    return;
  }
  if (request.method !== route.method) {
    exchange.reply(405, '{"detail":"Method Not Allowed"}', 'application/json', ['allow', route.method]);
    return;
  }
  try {
    if (route.method === 'POST') exchange.body = await readBody(exchange);
    route.handle(exchange, serving, faults);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    exchange.entry.outcome = 'refused';
    exchange.reply(error.status, path.startsWith('/v1/messages') ? anthropicBody(error) : openAiBody(error));
  }
}

async function readBody({ request }: Exchange): Promise<JsonObject> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw validationError("Unsupported Media Type: Only 'application/json' is allowed", null);
  const text = Buffer.concat(chunks).toString();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    const at = /position (\d+)/.exec((error as Error).message)?.[1] ?? String(text.length);
    throw validationError(
      `{'type': 'json_invalid', 'loc': 'body.${at}', 'msg': 'JSON decode error', 'input': '<dict of 0 items>', 'ctx': {'error': 'Expecting value'}}`,
      `body.${at}`,
    );
  }
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as JsonObject;
  throw validationError("{'type': 'model_attributes_type', 'loc': 'body', 'msg': 'Input should be a valid dictionary or object to extract fields from'}", 'body');
}

function health(exchange: Exchange, _serving: Serving, faults: FaultState): void {
  exchange.reply(faults.engineDead ? 503 : 200, '');
}

function metrics(exchange: Exchange, serving: Serving): void {
  exchange.reply(200, serving.metrics.print(serving.options, serving.engine.totals), 'text/plain; version=1.0.0; charset=utf-8');
}

function chat(exchange: Exchange, serving: Serving, faults: FaultState): void {
  const { body } = exchange;
  const request = readChat(serving.options, body);
  run(exchange, serving, faults, request.jobs, chatSurface(serving.options, body, request, exchange.id));
}
