// answer.ts: what the model says: nonsense, but the same nonsense for the same prompt, in words that tokenise to what was generated.

import { blockKeys } from '../engine/block-keys.ts';
import { pieces, special, tokenize } from './tokenizer.ts';

/** An answer, one text for each token; a token without text is ''. */
export interface Answer {
  readonly tokens: Int32Array;
  readonly texts: readonly string[];
  readonly finishReason: 'stop' | 'length' | 'tool_calls';
  /** Set when the answer calls a tool: its name and which of the tokens are its arguments. */
  readonly toolCall?: { readonly name: string; readonly argumentsStart: number; readonly argumentsEnd: number };
}

/** At most five letters each, so that a word with its space is one token. */
const words = (
  'the a of to in is on for and with from that this then when where cache block token queue step batch layer head model tail warm cold fast slow ' +
  'first last next old new full free busy idle long short small large one two three four five six seven eight nine ten red green blue white black river ' +
  'stone tree leaf cloud rain snow wind light night day week month year hour bread water salt sugar apple lemon plum table chair door wall roof house road ' +
  'path hill field grass horse sheep goat crow swan fish boat ship sail rope knot glass paper ink pen book page line word name list note song drum flute ' +
  'voice hand foot eye ear heart mind hope luck plan rule case fact proof sum part half more less most each both some none all any few many once twice'
).split(' ');

const firstTokens = words.map((word) => tokenize(word)[0]!);
const laterTexts = words.map((word) => ` ${word}`);
const laterTokens = laterTexts.map((text) => tokenize(text)[0]!);

/** A number that stands for the whole prompt. Equal prompts answer alike on every replica; `choice` tells the choices of one request apart. */
export function promptSeed(prompt: Int32Array, choice: number): number {
  if (prompt.length === 0) return choice;
  return (blockKeys(prompt, prompt.length, choice)[0]! % 0x7fffffff) | 1;
}

/** Marsaglia's xorshift, as a function of its last value. */
function nextRandom(state: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return state;
}

/**
 * Words until the model would stop, `length` tokens with the end token, or until `tokensMax` cuts them.
 *
 * @param ends false is `ignore_eos`: only `tokensMax` ends it.
 */
export function proseAnswer(seed: number, length: number, tokensMax: number, ends: boolean): Answer {
  const stops = ends && length <= tokensMax;
  const count = stops ? length : tokensMax;
  const tokens = new Int32Array(count);
  const texts: string[] = [];
  let random = seed === 0 ? 1 : seed;
  for (let at = 0; at < count; at++) {
    random = nextRandom(random);
    const word = (random >>> 8) % words.length;
    tokens[at] = at === 0 ? firstTokens[word]! : laterTokens[word]!;
    texts.push(at === 0 ? words[word]! : laterTexts[word]!);
  }
  if (stops) {
    tokens[count - 1] = special.end;
    texts[count - 1] = '';
  }
  return { tokens, texts, finishReason: stops ? 'stop' : 'length' };
}

/** How long the model would talk if nobody cut it: half to one and a half times `meanTokens`. */
export function naturalLength(seed: number, meanTokens: number): number {
  return Math.max(2, Math.round(meanTokens * (0.5 + (nextRandom(seed ^ 0x2545f491) >>> 0) / 0x100000000)));
}

/** The text that calls a tool, in the parts the chat template renders it from. */
export function toolCallText(name: string, args: string): readonly [string, string, string] {
  return [`<tool_call>\n{"name": "${name}", "arguments": `, args, '}\n</tool_call>'];
}

/** A call of `name` with one value of the right type for each property of the schema. */
export function toolCallAnswer(seed: number, name: string, parameters: unknown): Answer {
  const [head, args, tail] = toolCallText(name, JSON.stringify(sampleValue(parameters, seed)));
  const headPieces = pieces(head);
  const argumentPieces = pieces(args);
  const texts = [...headPieces, ...argumentPieces, ...pieces(tail), ''];
  const tokens = new Int32Array(texts.length);
  let at = 0;
  for (const part of [head, args, tail]) {
    const partTokens = tokenize(part);
    tokens.set(partTokens, at);
    at += partTokens.length;
  }
  tokens[at] = special.end;
  const argumentsStart = headPieces.length;
  return {
    tokens,
    texts,
    finishReason: 'tool_calls',
    toolCall: { name, argumentsStart, argumentsEnd: argumentsStart + argumentPieces.length },
  };
}

function sampleValue(schema: unknown, seed: number): unknown {
  const { type, properties, enum: choices, items } = (schema ?? {}) as Record<string, unknown>;
  const random = nextRandom(seed) >>> 8;
  if (Array.isArray(choices) && choices.length > 0) return choices[random % choices.length];
  if (type === 'object' || properties !== undefined || type === undefined) {
    const entries = Object.entries((properties ?? {}) as Record<string, unknown>);
    return Object.fromEntries(entries.map(([key, value], at) => [key, sampleValue(value, seed + at + 1)]));
  }
  if (type === 'array') return [sampleValue(items, seed + 1)];
  if (type === 'integer' || type === 'number') return random % 100;
  if (type === 'boolean') return random % 2 === 0;
  return type === 'null' ? null : words[random % words.length];
}
