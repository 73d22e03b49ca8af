// reading.ts: how the tests of this room read a request and compare two.

import type { Chain } from '../../../src/core/chain.ts';
import type { GenerationFacts, Surface } from '../../../src/core/request.ts';
import { createPromptReader } from '../../../src/prompt/read.ts';

const reader = createPromptReader({ secret: new Uint8Array(32).fill(7) });
const encoder = new TextEncoder();

export function read(surface: Surface, body: unknown): GenerationFacts {
  return readText(surface, JSON.stringify(body));
}

export function readText(surface: Surface, body: string): GenerationFacts {
  return reader.read(surface, encoder.encode(body));
}

/** The first prompt of a request. */
export function chainOf(surface: Surface, body: unknown): Chain {
  return read(surface, body).prompts[0];
}

/** A chat of these messages: `[role, content]` each. */
export function chatOf(...messages: readonly (readonly [string, unknown])[]): Chain {
  return chainOf('chat', { messages: messages.map(([role, content]) => ({ role, content })) });
}

/** How many leading blocks two chains share. */
export function sharedBlocks(a: Chain, b: Chain): number {
  let block = 0;
  while (block < Math.min(a.length, b.length) && isSameBlock(a, b, block)) block += 1;
  return block;
}

export function sharedBytes(a: Chain, b: Chain): number {
  const blocks = sharedBlocks(a, b);
  return blocks === 0 ? 0 : (a.ends[blocks - 1] ?? 0);
}

function isSameBlock(a: Chain, b: Chain, block: number): boolean {
  const isSameHash = a.hashes[2 * block] === b.hashes[2 * block] && a.hashes[2 * block + 1] === b.hashes[2 * block + 1];
  return isSameHash && a.ends[block] === b.ends[block] && a.marks[block] === b.marks[block];
}

export function isSame(a: Chain, b: Chain): boolean {
  return a.length === b.length && sharedBlocks(a, b) === a.length;
}
