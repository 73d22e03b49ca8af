// granularity.ts: how far the blocks are from saying how much two prompts really share.

import { heldTokens } from '../../src/balance/uncached.ts';
import { chainBytes, commonBlocks } from '../../src/core/chain.ts';
import type { Random } from '../../src/core/random.ts';
import type { PromptReader } from '../../src/prompt/read.ts';
import { chatBody, diverged, prompt, type Shape } from './prompts.ts';

/** |held by the blocks − truly shared| as shares of the prompt, one for each pair of prompts that part at a random place inside a message. */
export function granularityErrors(reader: PromptReader, random: Random, shape: Shape, bytes: number, pairs: number): number[] {
  const errors: number[] = [];
  for (let i = 0; i < pairs; i += 1) {
    const old = prompt(random, shape, bytes);
    const { turns, commonBytes } = diverged(random, old);
    const [known] = reader.read('chat', chatBody(old)).prompts;
    const [asked] = reader.read('chat', chatBody(turns)).prompts;
    errors.push(Math.abs(heldTokens(asked, asked.ends, commonBlocks(known, asked)) - commonBytes) / chainBytes(asked));
  }
  return errors;
}
