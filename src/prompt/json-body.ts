// json-body.ts: body bytes → the object that a request is, or an error that says where it is not.

import { RequestError } from '../core/errors.ts';

export type JsonObject = { readonly [key: string]: unknown };

const decoder = new TextDecoder();

/** Throws RequestError(400) where the bytes are not one JSON object. */
export function parseBody(body: Uint8Array): JsonObject {
  const text = decoder.decode(body);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RequestError(400, 'The body is not valid JSON', undefined, { cause: error });
  }
  if (!isObject(value)) throw new RequestError(400, 'The body must be a JSON object');
  return value;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
