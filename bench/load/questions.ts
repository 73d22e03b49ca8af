// questions.ts: what users say. Lengths are in tokens: 'hi' with its space is one in nearly every tokenizer.

import type { Workload } from './workload.ts';

export interface Question {
  readonly text: string;
  readonly answerTokensMax: number;
}

/** Question number `round`, from 1, of a user. The same arguments always give the same question. */
export type Questions = (userId: number, round: number) => Question;

/** What stands before a user's first question: the part that all share, then the user's own. */
export function openingText({ systemPromptTokens, userHistoryTokens }: Workload, userId: number): string {
  return `Hi, here's some system prompt: ${filler(systemPromptTokens)}.For user ${userId}, here are some other context: ${filler(userHistoryTokens)}.`;
}

/** Everybody asks for a long story each time. */
export function storyQuestions(answerTokensMax: number): Questions {
  return (_, round) => ({ text: `Here's question #${round}: can you tell me a new long story with a happy ending?`, answerTokensMax });
}

/** Conversations with the spread of lengths that people's have: questions from one sentence to a page, answers from a line to the longest allowed. */
export function sampledQuestions(seed: number, answerTokensMax: number): Questions {
  return (userId, round) => {
    const random = mulberry32((seed * 1_000_003 + userId) * 1009 + round);
    const sentences = Math.ceil(Math.exp(random() * Math.log(QUESTION_SENTENCES_MAX)));
    const text = Array.from({ length: sentences }, () => sentence(random)).join(' ');
    const answerTokens = Math.ceil(ANSWER_TOKENS_MIN * Math.exp(random() * Math.log(ANSWER_TOKENS_SAMPLED_MAX / ANSWER_TOKENS_MIN)));
    return { text, answerTokensMax: Math.min(answerTokens, answerTokensMax) };
  };
}

const QUESTION_SENTENCES_MAX = 20;
const ANSWER_TOKENS_MIN = 10;
const ANSWER_TOKENS_SAMPLED_MAX = 600;

const openings = 'Could you explain,Please summarise,I wonder about,Compare for me,Write a few lines on,Help me plan,Tell me again about'.split(',');
const subjects = 'the garden,a winter journey,my first program,the old harbour,this recipe,a fair contract,the night sky,our small library'.split(',');
const turns = 'and why it matters,as if to a child,in plain words,with an example,before the month is over,and what could go wrong,step by step'.split(',');

function sentence(random: () => number): string {
  const pick = (of: readonly string[]): string => of[Math.floor(random() * of.length)] ?? '';
  return `${pick(openings)} ${pick(subjects)} ${pick(turns)}.`;
}

function filler(tokens: number): string {
  return Array.from({ length: tokens }, () => 'hi').join(' ');
}

/** Tommy Ettinger's generator: numbers from 0 to 1 that depend on the seed alone. */
function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
