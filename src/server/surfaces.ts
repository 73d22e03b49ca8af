// surfaces.ts: which paths exist. Everything else is answered 404, by the exact bytes of the path.

import type { Surface } from '../core/request.ts';

/** Routed by the listener's policy. */
export const GENERATION_PATHS: readonly (readonly [path: string, surface: Surface])[] = [
  ['/v1/chat/completions', 'chat'],
  ['/v1/completions', 'completions'],
  ['/v1/responses', 'responses'],
  ['/v1/messages', 'messages'],
];

/** Routed by load, unread. */
export const BY_LOAD_PATHS: readonly string[] = [
  '/v1/embeddings',
  '/v1/rerank',
  '/v2/rerank',
  '/rerank',
  '/v1/score',
  '/score',
  '/tokenize',
  '/v1/messages/count_tokens',
  '/v1/audio/transcriptions',
  '/v1/audio/translations',
];

/** One stored answer, and its cancel. The id's form is checked on the raw path. */
export const STORED_RESPONSE = /^\/v1\/responses\/([A-Za-z0-9_-]{1,128})(\/cancel)?$/;

/** The path of a request target as it came: no decoding, no normalising. An absolute-form target is a path that does not exist. */
export function rawPath(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

/** In whose shape an error on this path is told. */
export function surfaceOf(path: string): Surface | undefined {
  return path.startsWith('/v1/messages') ? 'messages' : undefined;
}

/** The methods that a path takes; empty when there is nothing at it. */
export function methodsOf(path: string): readonly string[] {
  const known = METHODS.get(path);
  if (known !== undefined) return known;
  const stored = STORED_RESPONSE.exec(path);
  if (stored === null) return NONE;
  return stored[2] === undefined ? GET : POST;
}

const NONE: readonly string[] = [];
const GET: readonly string[] = ['GET'];
const POST: readonly string[] = ['POST'];
const GET_OR_HEAD: readonly string[] = ['GET', 'HEAD'];

const METHODS: ReadonlyMap<string, readonly string[]> = new Map([
  ...GENERATION_PATHS.map(([path]) => [path, POST] as const),
  ...BY_LOAD_PATHS.map((path) => [path, POST] as const),
  ['/v1/models', GET_OR_HEAD],
  ['/health', GET_OR_HEAD],
  ['/v1/realtime', GET],
]);
