// routes.ts: which path answers what, and the checks that come before every handler.

import type { IncomingMessage } from 'node:http';
import type { FaultState } from '../fault.ts';
import type { Serving } from '../serving.ts';
import type { SimulatorOptions } from '../options.ts';
import type { JsonObject } from '../text/chat-template.ts';
import { anthropicErrors, ApiError, badRequest, openAiErrors, validationError } from './api-error.ts';
import { listModels } from './catalogue.ts';
import { chatSurface, readChat } from './chat.ts';
import { completionSurface, readCompletion } from './completions.ts';
import type { Exchange } from './exchange.ts';
import { countMessageTokens, messageSurface, readMessages } from './messages.ts';
import { embeddingsBody, rerankBody, scoreBody, tokenizeBody } from './pooling.ts';
import { readResponse, responseSurface } from './responses.ts';
import type { GenerationRequest } from './request-fields.ts';
import { run, type Surface } from './run.ts';
import { version } from './wire-names.ts';

/** Answers, or throws an ApiError. */
type Handler = (exchange: Exchange, serving: Serving, faults: FaultState) => void;

interface Route {
  readonly methods: readonly string[];
  readonly handle: Handler;
  /** Takes any content type, and its body unread. */
  readonly raw?: true;
}

const rerank = post(json(rerankBody));
const score = post(json(scoreBody));
const transcript = '{"text":"the rain on the roof","usage":{"type":"duration","seconds":1}}';
const transcription: Route = { ...post((exchange) => exchange.reply(200, transcript)), raw: true };

const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['/health', get(health)],
  ['/ping', { methods: ['GET', 'POST'], handle: health, raw: true }],
  ['/load', get((exchange) => exchange.reply(200, '{"server_load":0}'))],
  ['/version', get((exchange) => exchange.reply(200, JSON.stringify({ version })))],
  ['/v1/models', get((exchange, serving) => exchange.reply(200, listModels(serving)))],
  ['/metrics', get(metrics)],
  ['/v1/chat/completions', post(generating(readChat, chatSurface))],
  ['/v1/completions', post(generating(readCompletion, completionSurface))],
  ['/v1/messages', post(generating(readMessages, messageSurface))],
  ['/v1/messages/count_tokens', post(json(countMessageTokens))],
  ['/v1/responses', post(respond)],
  ['/tokenize', post(json(tokenizeBody))],
  ['/v1/embeddings', post(json(embeddingsBody))],
  ['/rerank', rerank],
  ['/v1/rerank', rerank],
  ['/v2/rerank', rerank],
  ['/score', score],
  ['/v1/score', score],
  ['/v1/audio/transcriptions', transcription],
  ['/v1/audio/translations', transcription],
]);

const storedResponse = /^\/v1\/responses\/([^/]+)(\/cancel)?$/;
const guarded = /^\/(v1|v2|inference|cohere)(\/|$)/;

export async function answer(exchange: Exchange, serving: Serving, faults: FaultState): Promise<void> {
  const { request, path } = exchange;
  const { apiKey } = serving.options;
  const method = request.method ?? 'GET';
  if (apiKey !== undefined && guarded.test(path) && request.headers.authorization !== `Bearer ${apiKey}`) {
    exchange.reply(401, '{"error":"Unauthorized"}');
    return;
  }
  const route = findRoute(path);
  if (route === undefined) {
    exchange.reply(404, '{"detail":"Not Found"}');
    return;
  }
  if (!route.methods.includes(method)) {
    exchange.reply(405, '{"detail":"Method Not Allowed"}', 'application/json', ['allow', route.methods.join(', ')]);
    return;
  }
  try {
    if (method === 'POST') {
      if (route.raw === true) await readBytes(request);
      else exchange.body = await readBody(request);
    }
    route.handle(exchange, serving, faults);
  } catch (error) {
    if (request.destroyed && !request.complete) return; // The client left while it was sending.
    const told = error instanceof ApiError ? error : new ApiError(500, 'InternalServerError', String(error));
    exchange.entry.outcome = 'refused';
    exchange.reply(told.status, (path.startsWith('/v1/messages') ? anthropicErrors : openAiErrors).errorBody(told));
  }
}

/** The route's name as /metrics counts it. */
export function handlerName(path: string): string {
  return routes.has(path) ? path : findRoute(path) === undefined ? 'none' : '/v1/responses/{response_id}';
}

function findRoute(path: string): Route | undefined {
  const found = routes.get(path);
  if (found !== undefined) return found;
  const [, id, cancel] = storedResponse.exec(path) ?? [];
  if (id === undefined) return undefined;
  const handle: Handler = (exchange, serving) => exchange.reply(200, serving.responses.get(id).body);
  return cancel === undefined ? get(handle) : { ...post(handle), raw: true };
}

function get(handle: Handler): Route {
  return { methods: ['GET'], handle };
}

function post(handle: Handler): Route {
  return { methods: ['POST'], handle };
}

function json(body: (options: SimulatorOptions, body: JsonObject, idBase: string) => string): Handler {
  return (exchange, { options }) => exchange.reply(200, body(options, exchange.body, exchange.id));
}

function generating(
  read: (options: SimulatorOptions, body: JsonObject) => GenerationRequest,
  surface: (options: SimulatorOptions, body: JsonObject, request: GenerationRequest, idBase: string) => Surface,
): Handler {
  return (exchange, serving, faults) => {
    checkRank(exchange.request);
    const request = read(serving.options, exchange.body);
    run(exchange, serving, faults, request.jobs, surface(serving.options, exchange.body, request, exchange.id));
  };
}

function respond(exchange: Exchange, serving: Serving, faults: FaultState): void {
  checkRank(exchange.request);
  const { options, responses } = serving;
  const request = readResponse(options, responses, exchange.body);
  run(exchange, serving, faults, request.jobs, responseSurface(options, responses, exchange.body, request, exchange.id));
}

/** There is one engine, so rank 0 is the only one; what is no number is ignored. */
function checkRank({ headers }: IncomingMessage): void {
  const rank = Number(headers['x-data-parallel-rank'] ?? 0);
  if (Number.isInteger(rank) && rank !== 0) throw badRequest(`data_parallel_rank ${rank} is out of range [0, 1).`, 'data_parallel_rank');
}

function health(exchange: Exchange, _serving: Serving, faults: FaultState): void {
  exchange.reply(faults.engineDead || faults.stopping ? 503 : 200, '');
}

function metrics(exchange: Exchange, serving: Serving, faults: FaultState): void {
  exchange.reply(200, serving.metrics.print(serving.options, serving.engine.totals, faults.asleep), 'text/plain; version=1.0.0; charset=utf-8');
}

async function readBody(request: IncomingMessage): Promise<JsonObject> {
  const text = (await readBytes(request)).toString();
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw validationError("Unsupported Media Type: Only 'application/json' is allowed", null);
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
  const message = 'Input should be a valid dictionary or object to extract fields from';
  throw validationError(`{'type': 'model_attributes_type', 'loc': 'body', 'msg': '${message}'}`, 'body');
}

function readBytes(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    request.on('error', reject);
  });
}
