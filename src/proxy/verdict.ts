// verdict.ts: what the events of an answer mean. A clean end of the connection says nothing; the terminal event does.

import type { Outcome } from '../core/dispatcher.ts';
import type { Surface } from '../core/request.ts';
import { readEvent, type EventFields } from './sse.ts';
import { findUsage } from './usage.ts';

const RESPONSE_ENDS = new Set(['response.completed', 'response.incomplete']);

/** Judges a stream that ended by its last events, oldest first. */
export function judgeStream(surface: Surface, last: readonly Buffer[]): Outcome {
  const events = last.map(readEvent);
  if (events.some(isError)) return { kind: 'failed' };
  const end = events.at(-1);
  if (end === undefined || !isTerminal(surface, end)) return { kind: 'truncated' };
  let usage;
  for (let i = last.length - 1; i >= 0 && usage === undefined; i -= 1) usage = findUsage(last[i]!.toString('latin1'));
  return { kind: 'complete', usage, responseId: undefined };
}

function isTerminal(surface: Surface, event: EventFields): boolean {
  if (surface === 'messages') return event.name === 'message_stop';
  if (surface === 'responses') return RESPONSE_ENDS.has(event.name) || event.data === '[DONE]';
  return event.data === '[DONE]';
}

function isError(event: EventFields): boolean {
  return event.name === 'error' || event.name === 'response.failed' || /^\{\s*"error"\s*:\s*\{/.test(event.data);
}

/** An error that came as the first event of a 200, as the answer it should have been. */
export interface RealAnswer {
  readonly status: number;
  readonly body: Buffer;
}

const ANTHROPIC_STATUS: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  permission_error: 403,
  not_found_error: 404,
  rate_limit_error: 429,
  overloaded_error: 503,
  'Service Unavailable': 503,
};

/** Undefined when the event is not an error. */
export function realAnswer(event: Buffer): RealAnswer | undefined {
  const fields = readEvent(event);
  if (!isError(fields)) return undefined;
  let status = 500;
  try {
    const { error } = JSON.parse(fields.data) as { error?: { code?: unknown; type?: unknown } };
    if (typeof error?.code === 'number' && error.code >= 400 && error.code <= 599) status = error.code;
    else status = ANTHROPIC_STATUS[String(error?.type)] ?? 500;
  } catch {
    // An error that is no JSON is still an error; 500 says so.
  }
  return { status, body: Buffer.from(fields.data) };
}

/** Whether an event is the first that carries something generated: the TTFT's end. */
export function isFirstToken(surface: Surface, event: Buffer): boolean {
  if (surface === 'chat' || surface === 'completions') return true;
  const { name } = readEvent(event);
  return name.endsWith('.delta') || name.endsWith('_delta');
}

const RESPONSE_ID = /"id"\s*:\s*"(resp_[A-Za-z0-9_-]{1,128})"/;
const RESPONSE_ID_WITHIN_BYTES = 4096;

/** The id under which a stored answer can be asked for again. */
export function responseId(bytes: Buffer): string | undefined {
  const id = RESPONSE_ID.exec(bytes.toString('latin1', 0, RESPONSE_ID_WITHIN_BYTES))?.[1];
  // A copy: what is cut from a text keeps all of it, here 4 KB for each id that is remembered.
  return id === undefined ? undefined : Buffer.from(id, 'latin1').toString('latin1');
}
