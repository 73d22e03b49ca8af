// words.ts: text of an exact length: the simulator counts each word as one token, of four bytes on average.

import { seededRandom } from '../../src/core/random.ts';

const WORDS = 4096;
const LETTERS_MAX = 5;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

const words = makeWords();

/** So many words, each with a space before it. The same seed always gives the same ones, and fewer are a prefix of more. */
export function wordsOf(seed: number, count: number): string {
  const random = seededRandom(seed);
  let text = '';
  for (let at = 0; at < count; at++) text += words[Math.floor(random() * WORDS)];
  return text;
}

function makeWords(): readonly string[] {
  const random = seededRandom(1);
  const below = (end: number): number => Math.floor(random() * end);
  return Array.from({ length: WORDS }, () => ` ${Array.from({ length: 1 + below(LETTERS_MAX) }, () => LETTERS[below(LETTERS.length)]).join('')}`);
}
