// usage.ts: what an engine says about the work an answer took, found in the answer without parsing it.

import type { Usage } from '../core/dispatcher.ts';

const KEY = '"usage":';
const SPAN_MAX_CHARACTERS = 8192;
/** An engine writes one, or one an event; whoever writes thousands of what is none must not hold up the others. */
const CANDIDATES_MAX = 8;
/** No engine counts more in one request; what does is no count. */
const TOKENS_MAX = 100_000_000;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const SPACE = 0x20;
/**
 * The last usage object in a JSON answer or event, of whichever API; undefined when there is none. `text` has a character for each byte: to search that takes
 * less than to search the bytes.
 *
 * The characters `"usage":` cannot stand inside a JSON string, where the quotes would be escaped, so looking for them is safe.
 */
export function findUsage(text: string): Usage | undefined {
  let at = text.lastIndexOf(KEY);
  for (let looked = 0; at >= 0 && looked < CANDIDATES_MAX; looked += 1) {
    const usage = usageFrom(objectAt(text, at + KEY.length));
    if (usage !== undefined) return usage;
    at = at === 0 ? -1 : text.lastIndexOf(KEY, at - 1);
  }
  return undefined;
}

/** The object that starts at `from`, after white space. Usage objects hold no strings, so braces can be counted. */
function objectAt(text: string, from: number): unknown {
  let start = from;
  while (text.charCodeAt(start) === SPACE) start += 1;
  if (text.charCodeAt(start) !== OPEN) return undefined;
  const end = Math.min(text.length, start + SPAN_MAX_CHARACTERS);
  let depth = 0;
  for (let i = start; i < end; i += 1) {
    const character = text.charCodeAt(i);
    if (character === OPEN) depth += 1;
    else if (character === CLOSE && --depth === 0) return parsed(text.slice(start, i + 1));
  }
  return undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function usageFrom(value: unknown): Usage | undefined {
  const completion = count(value, 'completion_tokens') ?? count(value, 'output_tokens');
  const openai = count(value, 'prompt_tokens');
  if (openai !== undefined) {
    return { promptTokens: openai, completionTokens: completion ?? 0, cachedTokens: count(field(value, 'prompt_tokens_details'), 'cached_tokens') };
  }
  const input = count(value, 'input_tokens');
  if (input === undefined) return undefined;
  const details = field(value, 'input_tokens_details');
  if (details !== undefined && details !== null) {
    return { promptTokens: input, completionTokens: completion ?? 0, cachedTokens: count(details, 'cached_tokens') };
  }
  // Anthropic's input_tokens leaves out what was read from and written to the cache.
  const read = count(value, 'cache_read_input_tokens');
  const created = count(value, 'cache_creation_input_tokens');
  return { promptTokens: input + (read ?? 0) + (created ?? 0), completionTokens: completion ?? 0, cachedTokens: read };
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function count(value: unknown, name: string): number | undefined {
  const found = field(value, name);
  return typeof found === 'number' && found >= 0 && found <= TOKENS_MAX ? found : undefined;
}
