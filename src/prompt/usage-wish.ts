// usage-wish.ts: whether an engine can be asked for usage without the client's noticing.

import type { Surface } from '../core/request.ts';
import { completionPrompts } from './completions.ts';
import { isObject } from './json-body.ts';
import type { JsonObject } from './json-body.ts';

/**
 * Whether the stream will end without usage, and would be the same with it but for what can be taken back.
 *
 * vLLM takes options without `include_usage` for a wish, and puts usage into every event where `continuous_usage_stats` come with one. Of
 * several sequences the first may end long before the usage comes, by which time its end must have been passed on. A body without
 * its prompt is refused in words that count its members.
 */
export function canAskUsage(surface: Surface, body: JsonObject): boolean {
  if (body['stream'] !== true || (body['n'] ?? 1) !== 1 || !isSilent(body['stream_options'])) return false;
  if (surface === 'completions') return completionPrompts(body).length === 1;
  return surface === 'chat' && Array.isArray(body['messages']);
}

function isSilent(options: unknown): boolean {
  if (options === undefined || options === null) return true;
  return isObject(options) && isOff(options['include_usage']) && isOff(options['continuous_usage_stats'] ?? false);
}

function isOff(option: unknown): boolean {
  return option === false || option === null;
}
