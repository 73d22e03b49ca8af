// run.ts: plays a workload against one base URL and keeps what every round took.

import { Agent } from 'undici';
import type { ScaledClock } from './scaled-clock.ts';
import { streamChat, type ChatAnswer, type Message } from './stream-chat.ts';
import { openingText, type Questions } from './questions.ts';
import { gapsOf, laterUser, usersAtStart, type Arrival, type Workload } from './workload.ts';

export interface Target {
  /** Up to and without `/v1`. */
  readonly baseUrl: string;
  readonly model: string;
  readonly apiKey?: string;
  /** Sends `x-user-id`. */
  readonly withUserId?: boolean;
}

export interface Round extends ChatAnswer {
  /** Sent as `x-request-id`. */
  readonly id: string;
  readonly userId: number;
  /** From 1, in the order in which this user's answers came. */
  readonly questionId: number;
}

/** A run, live. `rounds` and `failures` grow until `done` resolves, which it does when the last answer is there. */
export interface Run {
  readonly startedS: number;
  readonly rounds: readonly Round[];
  readonly failures: readonly string[];
  inFlight(): number;
  /** Never rejects. */
  readonly done: Promise<void>;
}

const CONNECTIONS_MAX = 1024;
const WARM_UP_REQUESTS = 10;
const WARM_UP_TOKENS = 100;

/** Asks nothing new after the workload's duration or once `signal` is aborted, but waits for the answers. */
export function startRun(workload: Workload, questions: Questions, target: Target, clock: ScaledClock, signal?: AbortSignal): Run {
  const connections = new Agent({ connections: CONNECTIONS_MAX });
  const rounds: Round[] = [];
  const failures: string[] = [];
  const requestGapS = gapsOf(workload).requestS;
  const startedS = clock.nowS();
  const endS = startedS + (workload.durationS ?? Infinity);
  const over = (): boolean => signal?.aborted === true || clock.nowS() >= endS;
  const until = (atS: number): Promise<void> => clock.until(Math.min(atS, endS), signal);
  let inFlight = 0;

  const play = async ({ userId, atS, roundsBefore }: Arrival): Promise<void> => {
    const messages: Message[] = [];
    let questionId = 0;
    await until(startedS + atS);
    for (let round = roundsBefore + 1; round <= workload.rounds && !over(); round++) {
      const launchedS = clock.nowS();
      const question = questions(userId, round);
      const opening = messages.length === 0 ? openingText(workload, userId) : '';
      const prompt = [...messages, { role: 'user', content: opening + question.text } as const];
      const id = `user-${userId}-${round}`;
      const headers = { ...headersFor(target, userId), 'x-request-id': id };
      inFlight++;
      try {
        const answer = await streamChat({ ...target, messages: prompt, answerTokensMax: question.answerTokensMax, headers, connections, nowS: clock.nowS });
        messages.splice(0, Infinity, ...prompt, { role: 'assistant', content: answer.text });
        rounds.push({ ...answer, id, userId, questionId: ++questionId });
      } catch (error) {
        failures.push(`user ${userId}, round ${round}: ${error instanceof Error ? error.message : String(error)}`);
      } finally {
        inFlight--;
      }
      await until(launchedS + requestGapS);
    }
  };

  const playAll = async (): Promise<void> => {
    const played = usersAtStart(workload).map(play);
    for (let at = 0; !over(); at++) {
      const arrival = laterUser(workload, at);
      await until(startedS + arrival.atS);
      if (!over()) played.push(play(arrival));
    }
    await Promise.all(played);
    await connections.close();
  };
  return { startedS, rounds, failures, inFlight: () => inFlight, done: playAll() };
}

/** A few requests that share nothing with the run's, so that no first one pays for start-up. Rejects when one fails. */
export async function warmUp(target: Target, clock: ScaledClock): Promise<void> {
  const connections = new Agent({ connections: CONNECTIONS_MAX });
  const send = (_: unknown, at: number): Promise<ChatAnswer> => {
    const content = `WARMUP: Hi, I'm user ${at}. Here are some text: ${'hi '.repeat(WARM_UP_TOKENS)}.`;
    return streamChat({
      ...target,
      messages: [{ role: 'user', content }],
      answerTokensMax: WARM_UP_TOKENS,
      headers: headersFor(target),
      connections,
      nowS: clock.nowS,
    });
  };
  try {
    await Promise.all(Array.from({ length: WARM_UP_REQUESTS }, send));
  } finally {
    await connections.close();
  }
}

function headersFor({ apiKey, withUserId }: Target, userId?: number): Record<string, string> {
  return {
    ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    ...(withUserId === true && userId !== undefined ? { 'x-user-id': String(userId) } : {}),
  };
}
