// prompts.ts: chat bodies for measuring: some known from before up to a random place, the rest new.

import type { Random } from '../../src/core/random.ts';

export interface Turn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export type Shape = 'document' | 'conversation';

const WORDS = 'a about after all and as at before but by could do each "find" for from give had has have he her his how I if in into is it know like line\n long look make many may more most my no not now of on one only or other our out over own people place right said same say see she so some take than that the their them then there these they thing this time to two under up use very was way we well were what when which who will with word work would write year you your'.split(' ');
const TURN_BYTES = 2_000;

/** Words of prose with a quote and a line's end now and then, so that JSON has something to escape. */
export function prose(random: Random, bytes: number): string {
  let text = '';
  while (text.length < bytes) text += `${WORDS[Math.floor(random() * WORDS.length)]} `;
  return text.slice(0, bytes);
}

/** One long message, or turns of about 2 KB. */
export function prompt(random: Random, shape: Shape, bytes: number): Turn[] {
  if (shape === 'document') return [{ role: 'user', content: prose(random, bytes) }];
  const turns: Turn[] = [{ role: 'system', content: prose(random, TURN_BYTES) }];
  for (let left = bytes - TURN_BYTES; left > 0; left -= TURN_BYTES) {
    turns.push({ role: turns.length % 2 === 1 ? 'user' : 'assistant', content: prose(random, Math.min(left, TURN_BYTES)) });
  }
  return turns;
}

/** The same up to a random place inside a random message, new from there on; and how many bytes of role and content are the same. */
export function diverged(random: Random, turns: readonly Turn[]): { readonly turns: Turn[]; readonly commonBytes: number } {
  const at = Math.floor(random() * turns.length);
  const turn = turns[at]!;
  const place = Math.floor(random() * turn.content.length);
  // A character that the prose has not, so that the place is exact.
  const content = `${turn.content.slice(0, place)}#${prose(random, turn.content.length - place - 1)}`;
  const rest = turns.slice(at + 1).map(({ role, content: old }) => ({ role, content: prose(random, old.length) }));
  const before = turns.slice(0, at).reduce((sum, { role, content: old }) => sum + role.length + old.length, 0);
  return { turns: [...turns.slice(0, at), { role: turn.role, content }, ...rest], commonBytes: before + turn.role.length + place };
}

export function chatBody(turns: readonly Turn[]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ model: 'bench', messages: turns, stream: true, max_tokens: 200 }));
}
