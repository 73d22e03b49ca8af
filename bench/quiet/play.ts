// play.ts: all conversations of a quiet run, so many requests at a time.

import { Agent } from 'undici';
import type { ScaledClock } from '../load/scaled-clock.ts';
import { streamChat, type ChatAnswer, type Message } from '../load/stream-chat.ts';
import { opening, question, turnsOf, type Shape } from './conversations.ts';

export interface Round extends ChatAnswer {
  readonly user: number;
  /** From 1. */
  readonly round: number;
  readonly id: string;
}

export interface Playing {
  readonly shape: Shape;
  readonly seed: number;
  readonly atATime: number;
  readonly model: string;
  readonly clock: ScaledClock;
  /** Where a user's request goes; `turn` counts all requests from 0. */
  readonly urlOf: (user: number, turn: number) => string;
  readonly signal: AbortSignal;
  readonly onRound: (done: number) => void;
}

/** Rejects when a request fails: nobody's cache is full of requests then. */
export async function playAll(playing: Playing): Promise<Round[]> {
  const { shape, seed, atATime, signal } = playing;
  const connections = new Agent({ connections: atATime });
  const turns = turnsOf(shape, seed);
  const users = Array.from({ length: shape.users }, () => ({ asked: 0, messages: [] as Message[], last: Promise.resolve() }));
  const rounds: Round[] = [];
  let turn = 0;

  const ask = async (user: number, at: number): Promise<void> => {
    const state = users[user]!;
    const round = ++state.asked;
    if (round === 1) state.messages = opening(shape, seed, user);
    else state.messages.push({ role: 'user', content: question(shape, seed, user, round) });
    const id = `${user}-${round}`;
    const answer = await streamChat({
      baseUrl: playing.urlOf(user, at),
      model: playing.model,
      messages: state.messages,
      answerTokensMax: shape.answerTokens,
      headers: { 'x-request-id': id },
      connections,
      nowS: playing.clock.nowS,
      signal,
    });
    state.messages.push({ role: 'assistant', content: answer.text });
    rounds.push({ ...answer, user, round, id });
    playing.onRound(rounds.length);
  };
  const work = async (): Promise<void> => {
    while (turn < turns.length) {
      const at = turn++;
      const user = turns[at]!;
      const state = users[user]!;
      state.last = state.last.then(() => ask(user, at));
      await state.last;
    }
  };
  try {
    await Promise.all(Array.from({ length: atATime }, work));
    return rounds;
  } finally {
    await connections.destroy();
  }
}
