// canonical-json.ts: one text for all spellings of the same JSON value.

import { RequestError } from '../core/errors.ts';
import { isObject } from './json-body.ts';

const DEPTH_MAX = 64;

/**
 * JSON without white space and with sorted keys.
 *
 * Throws RequestError(400) naming `param` where the value is nested deeper than 64.
 */
export function canonicalJson(value: unknown, param: string, depth = 0): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (depth === DEPTH_MAX) throw new RequestError(400, `'${param}' is nested too deeply: at most ${DEPTH_MAX} levels are read`, param);
  let text = '';
  if (Array.isArray(value)) {
    for (const item of value) text += `${text === '' ? '' : ','}${canonicalJson(item, param, depth + 1)}`;
    return `[${text}]`;
  }
  const members = value as { readonly [key: string]: unknown };
  for (const key of Object.keys(members).toSorted()) {
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(members[key], param, depth + 1)}`;
  }
  return `{${text}}`;
}

/** The same value without the marker for a provider's cache, which says nothing to the model. */
export function withoutCacheControl(value: unknown): unknown {
  if (!isObject(value) || !Object.hasOwn(value, 'cache_control')) return value;
  const { cache_control: _, ...rest } = value;
  return rest;
}
