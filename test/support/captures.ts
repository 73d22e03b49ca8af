// captures.ts: what a real vLLM said, byte for byte.

import { readFileSync } from 'node:fs';
import { readAnswer, type Answer } from './raw-client.ts';

/** The whole answer as it was sent, which ends with the connection. */
export function capturedBytes(name: string): Buffer {
  return readFileSync(new URL(`../captures/${name}.response`, import.meta.url));
}

export function captured(name: string): Answer {
  return readAnswer(capturedBytes(name));
}
