// because.ts: what an endpoint's error says of the endpoint, by vLLM's words. Pure.

import type { RejectedBecause } from '../core/dispatcher.ts';

const MESSAGE = Buffer.from('"message":');
const MESSAGE_WITHIN_BYTES = 2048;
const MESSAGE_READ_BYTES = 256;
const QUOTE = 0x22;
const SPACE = 0x20;

const OVERLOADED = ['currently busy and cannot accept new requests', 'prefill token backlog limit'];
const DRAINING = 'cannot schedule new futures after shutdown';
const ENGINE_DEAD = 'EngineCore encountered an issue';

/**
 * Classifies an error by its status and the beginning of its body, or of its event.
 *
 * Only the error's own message counts, and what puts an endpoint out of rotation must begin it: an error may quote its request, and what a
 * client writes must not eject anybody. In a quoted text `"message":` has its quotes escaped.
 *
 * @param firstEvent whether it came as the first event of a 200
 */
export function rejectedBecause(status: number, body: Buffer, firstEvent: boolean): RejectedBecause {
  if (status < 500) return 'other';
  const message = messageOf(body);
  if (message.startsWith(DRAINING)) return 'draining';
  if (message.startsWith(ENGINE_DEAD)) return 'engine_dead';
  if (OVERLOADED.some((words) => message.includes(words))) return 'overloaded';
  return firstEvent ? 'first_event' : 'other';
}

/** The beginning of the message, as it is written; empty when there is none near the beginning. */
function messageOf(body: Buffer): string {
  const key = body.subarray(0, MESSAGE_WITHIN_BYTES).indexOf(MESSAGE);
  if (key < 0) return '';
  let at = key + MESSAGE.length;
  while (body[at] === SPACE) at += 1;
  return body[at] === QUOTE ? body.toString('latin1', at + 1, at + 1 + MESSAGE_READ_BYTES) : '';
}
