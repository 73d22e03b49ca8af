// stream-usage.ts: when the OpenAI streams tell usage, and how.

import type { SimulatorOptions } from '../options.ts';
import type { JsonObject } from '../text/chat-template.ts';

/** Whether the client wants usage: in a chunk at the end, and beyond that in every chunk. */
export function streamUsage(options: SimulatorOptions, body: JsonObject): { usageChunk: boolean; continuous: boolean } {
  const wanted = (body['stream_options'] ?? {}) as JsonObject;
  const usageChunk = wanted['include_usage'] === true || options.forceIncludeUsage;
  return { usageChunk, continuous: usageChunk && wanted['continuous_usage_stats'] === true };
}

/** The beginning of a usage object; the caller adds details and closes it. */
export function countsJson(promptTokens: number, outputTokens: number): string {
  return `{"prompt_tokens":${promptTokens},"total_tokens":${promptTokens + outputTokens},"completion_tokens":${outputTokens}`;
}
