// json-body.ts: body bytes → the object that a request is, or an error that says where it is not.

import { RequestError } from '../core/errors.ts';
import { findJsonError } from './json-place.ts';

export type JsonObject = { readonly [key: string]: unknown };

const utf8 = new TextDecoder('utf-8', { fatal: true });
/** Each byte is a character. To replace those that are no UTF-8 takes up to four times as long. */
const bytewise = new TextDecoder('latin1');

/** Throws RequestError(400) where the bytes are not one JSON object. The message quotes nothing of them. */
export function parseBody(body: Uint8Array): JsonObject {
  const text = textOf(body);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new RequestError(400, `The body is not valid JSON${place(text)}`);
  }
  if (!isObject(value)) throw new RequestError(400, `The body must be a JSON object: it is ${typeName(value)}`);
  return value;
}

function textOf(body: Uint8Array): string {
  try {
    return utf8.decode(body);
  } catch {
    return bytewise.decode(body);
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a value is, for an error message. */
export function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function place(text: string): string {
  const offset = findJsonError(text);
  if (offset === undefined) return '';
  if (offset === text.length) return ': it ends too early';
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return `: error at line ${line}, column ${offset - before.lastIndexOf('\n')}`;
}
