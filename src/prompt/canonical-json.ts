// canonical-json.ts: one text for all spellings of the same JSON value.

import { RequestError } from '../core/errors.ts';

const DEPTH_MAX = 64;

/**
 * JSON without white space and with sorted keys.
 *
 * Throws RequestError(400) naming `param` where the value is nested deeper than 64.
 */
export function canonicalJson(value: unknown, param: string, depth = 0): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (depth === DEPTH_MAX) throw new RequestError(400, `'${param}' is nested too deeply: at most ${DEPTH_MAX} levels are read`, param);
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item, param, depth + 1)).join(',')}]`;
  const members: string[] = [];
  for (const [key, member] of Object.entries(value).toSorted(byKey)) {
    members.push(`${JSON.stringify(key)}:${canonicalJson(member, param, depth + 1)}`);
  }
  return `{${members.join(',')}}`;
}

function byKey(a: [string, unknown], b: [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}
