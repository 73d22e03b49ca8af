// engine-cache.ts: one engine's prefix cache, the simulator's block pool, fed with the same conversations as the router's estimate.

import { BlockPool } from '../../bench/simulator/engine/block-pool.ts';
import { blockKeys } from '../../bench/simulator/engine/block-keys.ts';

const BLOCK_TOKENS = 16;
/** What a chat template adds to each message. */
const MESSAGE_TOKENS = 5;
const BYTES_PER_TOKEN = 3.6;

/** The tokens of a conversation, in this engine's own tokenizer and template: nothing here is known to the router. */
export function tokensOf(messages: readonly string[]): Int32Array {
  const tokens: number[] = [1, 2, 3];
  messages.forEach((message, at) => {
    tokens.push(-1 - (at % 2));
    for (let i = 0; i < MESSAGE_TOKENS - 1; i++) tokens.push(7);
    for (let from = 0; from < message.length; from += BYTES_PER_TOKEN) tokens.push(hash(message.slice(Math.round(from), Math.round(from + BYTES_PER_TOKEN))));
  });
  return Int32Array.from(tokens);
}

export class EngineCache {
  readonly capacityTokens: number;
  /** Its counters, in tokens. */
  queriesTotal = 0;
  hitsTotal = 0;
  #pool: BlockPool;

  constructor(capacityTokens: number) {
    this.capacityTokens = capacityTokens;
    this.#pool = new BlockPool(Math.floor(capacityTokens / BLOCK_TOKENS) + 1);
  }

  /** Serves one request alone; `loses` leading blocks are not found for reasons of the engine's own. */
  serve(prompt: Int32Array, answer: Int32Array, readsCache: boolean): { cachedTokens: number } {
    const all = new Int32Array(prompt.length + answer.length);
    all.set(prompt);
    all.set(answer, prompt.length);
    const keys = blockKeys(all, BLOCK_TOKENS, 0);
    const hits = readsCache ? this.#pool.match(keys, Math.floor((prompt.length - 1) / BLOCK_TOKENS)) : [];
    this.queriesTotal += prompt.length;
    this.hitsTotal += hits.length * BLOCK_TOKENS;
    for (const block of hits) this.#pool.reuse(block);
    const blocks = [...hits];
    while (blocks.length < Math.ceil(all.length / BLOCK_TOKENS)) blocks.push(this.#pool.take());
    for (let at = hits.length; at < keys.length; at++) this.#pool.register(blocks[at]!, keys[at]!);
    this.#pool.release(blocks);
    return { cachedTokens: hits.length * BLOCK_TOKENS };
  }

  flush(): void {
    this.#pool.flush();
  }

  restart(): void {
    this.#pool = new BlockPool(Math.floor(this.capacityTokens / BLOCK_TOKENS) + 1);
    this.queriesTotal = 0;
    this.hitsTotal = 0;
  }
}

function hash(text: string): number {
  let mixed = 17;
  for (let i = 0; i < text.length; i++) mixed = Math.imul(mixed, 31) + text.charCodeAt(i);
  return mixed & 0x7fffffff;
}
