// play.ts: conversations that go on while a server is away.

import { Agent } from 'undici';
import { sampledQuestions } from '../load/questions.ts';
import { streamChat, type ChatAnswer, type Message } from '../load/stream-chat.ts';

export interface Conversations {
  readonly users: number;
  readonly rounds: number;
  readonly answerTokensMax: number;
  readonly atATime: number;
  readonly temperature: number;
  /** Another seed shares no text. */
  readonly seed: number;
}

export interface Round extends ChatAnswer {
  readonly id: string;
  readonly user: number;
  /** From 1. */
  readonly round: number;
}

export interface Played {
  readonly rounds: readonly Round[];
  /** Requests that failed, each asked again. */
  readonly failures: readonly string[];
}

const SYSTEM_SENTENCES = 30;
const CONTEXT_QUESTIONS = 8;
/** Numbers of texts that no round has. */
const CONTEXT_FROM = 500;
const TRIES_MAX = 20;
const TRY_AGAIN_AFTER_MS = 250;

/** All users' first rounds, then all second ones, and so on. `beforeTurn` is awaited before each request; turns count from 0. */
export async function play(
  conversations: Conversations,
  target: { readonly baseUrl: string; readonly model: string },
  beforeTurn: (turn: number) => Promise<void> | void,
  signal: AbortSignal,
): Promise<Played> {
  const { users, rounds, answerTokensMax, atATime, temperature, seed } = conversations;
  const connections = new Agent({ connections: atATime });
  const questions = sampledQuestions(seed, answerTokensMax);
  const texts = (user: number, from: number, count: number): string => Array.from({ length: count }, (_, at) => questions(user, from + at).text).join('\n');
  const system = texts(users, CONTEXT_FROM, SYSTEM_SENTENCES / 3);
  const states = Array.from({ length: users }, () => ({ messages: [{ role: 'system', content: system }] as Message[], last: Promise.resolve() }));
  const done: Round[] = [];
  const failures: string[] = [];

  const ask = async (user: number, round: number): Promise<void> => {
    const { messages } = states[user]!;
    const question = questions(user, round);
    const opening = round === 1 ? `${texts(user, CONTEXT_FROM, CONTEXT_QUESTIONS)}\n` : '';
    messages.push({ role: 'user', content: opening + question.text });
    for (let attempt = 1; ; attempt++) {
      const id = `t${temperature}-${user}-${round}-${attempt}`;
      const headers = { 'x-request-id': id };
      try {
        const answer = await streamChat({ ...target, messages, answerTokensMax: question.answerTokensMax, temperature, headers, connections, nowS, signal });
        messages.push({ role: 'assistant', content: answer.text });
        done.push({ ...answer, id, user, round });
        return;
      } catch (error) {
        signal.throwIfAborted();
        failures.push(`${id}: ${error instanceof Error ? error.message : String(error)}`);
        if (attempt === TRIES_MAX) throw error;
        await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_AFTER_MS));
      }
    }
  };
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < users * rounds) {
      const turn = next++;
      await beforeTurn(turn);
      const state = states[turn % users]!;
      state.last = state.last.then(() => ask(turn % users, 1 + Math.floor(turn / users)));
      await state.last;
    }
  };
  try {
    await Promise.all(Array.from({ length: atATime }, work));
    return { rounds: done, failures };
  } finally {
    await connections.destroy();
  }
}

function nowS(): number {
  return performance.now() / 1000;
}
