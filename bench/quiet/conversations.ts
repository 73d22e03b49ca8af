// conversations.ts: few requests at a time from many users who come back: the everyday case, where caches decide and queues do not.

import { seededRandom } from '../../src/core/random.ts';
import { wordsOf } from '../load/words.ts';
import type { Message } from '../load/stream-chat.ts';

export interface Shape {
  readonly users: number;
  readonly rounds: number;
  /** Shared by all. */
  readonly systemTokens: number;
  /** Of a user's own, before the first question. */
  readonly contextTokens: number;
  readonly questionTokens: number;
  readonly answerTokens: number;
}

/** What a chat template adds to a message, about. */
const MESSAGE_TOKENS = 5;
/** Texts of different users have seeds that differ by so much. */
const TEXTS_OF_A_USER = 1000;
const SYSTEM_SEED = 0;

/** Tokens of all conversations at their ends, what they share counted once. */
export function tokensOfAll({ users, rounds, systemTokens, contextTokens, questionTokens, answerTokens }: Shape): number {
  return systemTokens + users * (contextTokens + rounds * (questionTokens + answerTokens + 2 * MESSAGE_TOKENS));
}

/** The messages of a first round. */
export function opening(shape: Shape, seed: number, user: number): Message[] {
  const own = wordsOf(textSeed(shape, seed, user), shape.contextTokens);
  return [{ role: 'system', content: wordsOf(SYSTEM_SEED, shape.systemTokens) }, { role: 'user', content: own + question(shape, seed, user, 1) }];
}

/** Of a round from 1. */
export function question(shape: Shape, seed: number, user: number, round: number): string {
  return wordsOf(textSeed(shape, seed, user) + round, shape.questionTokens);
}

/** In which order the users ask: each once a round, in another order each round. */
export function turnsOf({ users, rounds }: Shape, seed: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: rounds }, () => shuffled(Array.from({ length: users }, (_, user) => user), random)).flat();
}

/** So that neither the order nor the texts of two seeds agree. */
function textSeed({ users }: Shape, seed: number, user: number): number {
  return (seed * users + user) * TEXTS_OF_A_USER;
}

function shuffled(list: number[], random: () => number): number[] {
  for (let at = list.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [list[at], list[other]] = [list[other]!, list[at]!];
  }
  return list;
}
