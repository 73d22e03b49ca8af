// gave-up.ts: whether an answer is one that the engine gave up, while nothing of it has gone to the client. vLLM writes it as a 200 with finish_reason `abort` when it stops. Pure.

import type { Surface } from '../core/request.ts';
import { readEvent } from './sse.ts';

/** Of an answer or an event as it is written: inside a string the quotes would be escaped. */
const ABORT_TEXT = '"finish_reason":"abort"';
export const ABORT = Buffer.from(ABORT_TEXT);
const ROLE = Buffer.from('"role":"assistant"');

interface Said {
  readonly content?: unknown;
  readonly reasoning?: unknown;
  readonly reasoning_content?: unknown;
  readonly tool_calls?: unknown;
}

interface Choice {
  readonly finish_reason?: unknown;
  readonly text?: unknown;
  readonly message?: Said | null;
  readonly delta?: Said | null;
}

/** Whether a chat's first event names the role and nothing else: what follows says whether an answer comes. */
export function isOpening(surface: Surface, event: Buffer): boolean {
  if (surface !== 'chat' || !event.includes(ROLE)) return false;
  const choices = choicesOf(readEvent(event).data);
  return choices.length > 0 && choices.every((choice) => isEmpty(choice) && (choice.finish_reason ?? null) === null);
}

/** Whether this event, before which nothing has gone to the client, ends the answer. */
export function gaveUpInEvent(surface: Surface, event: Buffer): boolean {
  return hasChoices(surface) && event.includes(ABORT) && areAborted(choicesOf(readEvent(event).data));
}

/** Whether an answer that is no stream was given up; `text` has a character for each byte. None of it has gone to the client, so what little is in it is no loss. */
export function gaveUpInAnswer(surface: Surface, text: string): boolean {
  return hasChoices(surface) && text.includes(ABORT_TEXT) && areAborted(choicesOf(text));
}

/** Of the other APIs it is not known how vLLM writes this. */
export function hasChoices(surface: Surface): boolean {
  return surface === 'chat' || surface === 'completions';
}

function areAborted(choices: readonly Choice[]): boolean {
  return choices.some(({ finish_reason }) => finish_reason === 'abort');
}

function isEmpty({ text, message, delta }: Choice): boolean {
  const said = message ?? delta;
  return [text, said?.content, said?.reasoning, said?.reasoning_content, said?.tool_calls].every(
    (part) => part === undefined || part === null || part === '' || (Array.isArray(part) && part.length === 0),
  );
}

function choicesOf(json: string): readonly Choice[] {
  try {
    const value = JSON.parse(json) as { readonly choices?: unknown } | null;
    return Array.isArray(value?.choices) ? (value.choices as readonly (Choice | null)[]).map((choice) => choice ?? {}) : [];
  } catch {
    return [];
  }
}
