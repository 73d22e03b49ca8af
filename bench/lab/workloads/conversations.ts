// conversations.ts: people and programs who talk with a model in turns; each turn carries all that was said before.

import type { Stage, Workload } from '../run.ts';
import { exponential, ownContent, poisson, randomOf, sharedContent, tokens, zipf } from './draws.ts';

export interface QaShape {
  readonly users: number;
  readonly rounds: number;
  readonly perS: number;
  readonly systemTokens: number;
  readonly historyTokens: number;
  readonly answerTokens: number;
  readonly durationS: number;
}

const QUESTION_TOKENS = 20;
const FIRST_USER_MAX = 2 ** 31;

/**
 * The multi-round QA of production-stack: a user asks again after a gap of its own, or once the answer is there if that is later.
 *
 * The seed says who the users are, and when within the time between two of them each one comes.
 */
export function qa({ users, rounds, perS, systemTokens, historyTokens, answerTokens, durationS }: QaShape): Workload {
  const gapS = users / perS;
  const userEveryS = (gapS * (rounds - 1)) / users;
  return (stage, seed) => {
    const random = randomOf(seed, -2);
    const firstUser = Math.floor(random() * FIRST_USER_MAX);
    const play = (at: number, firstS: number, left: number): void => {
      const user = firstUser + at;
      const prompt = stage.prompt();
      const ask = (round: number): void => {
        const askedS = stage.nowS;
        if (askedS > durationS) return;
        const question = { id: ownContent(user, 2 * round + 1), tokens: QUESTION_TOKENS };
        const opening = [{ id: sharedContent(0), tokens: systemTokens }, { id: ownContent(user, 0), tokens: historyTokens }];
        prompt.message('user', round === 0 ? [...opening, question] : [question]);
        const onDone = (nowS: number): void => {
          if (round + 1 < left) stage.at(Math.max(nowS, askedS + gapS), () => ask(round + 1));
        };
        stage.send({ prompt, session: user, answerId: ownContent(user, 2 * round + 2), answerTokens, onDone });
      };
      stage.at(firstS + random() * userEveryS, () => ask(0));
    };
    // Users overlap from the start, as if the run had been going on.
    for (let at = 0; at < users; at++) {
      const thereS = (users - at) * userEveryS;
      const before = Math.floor(thereS / gapS) + 1;
      if (before < rounds) play(at, before * gapS - thereS, rounds - before);
    }
    for (let at = 0; at * userEveryS < durationS; at++) play(users + at, at * userEveryS, rounds);
  };
}

export interface SessionShape {
  readonly perS: number;
  readonly durationS: number;
  /** Mean of a geometric distribution. */
  readonly turns: number;
  readonly thinkS: number;
  readonly apps: number;
  readonly appTokens: number;
  /** Said first, beyond the app's own prompt. */
  readonly openingTokens: number;
  readonly questionTokens: number;
  readonly answerTokens: number;
  readonly tokensMax: number;
}

/** Sessions over some apps with a system prompt each, the first the most used. */
export function sessions(shape: SessionShape): Workload {
  const app = zipf(shape.apps, 1);
  return (stage, seed) => {
    const lengths = Array.from({ length: shape.apps }, (_, at) => tokens(randomOf(seed + 77, at), shape.appTokens));
    poisson(stage, randomOf(seed, -2), shape.perS, 0, shape.durationS, (session) => converse(stage, shape, seed, session, app, lengths));
  };
}

function converse(stage: Stage, shape: SessionShape, seed: number, session: number, app: ReturnType<typeof zipf>, lengths: readonly number[]): void {
  const random = randomOf(seed, session);
  const chosen = app(random);
  const prompt = stage.prompt().message('system', [{ id: sharedContent(chosen), tokens: lengths[chosen]! }]);
  let contents = 0;
  const say = (mean: number): void => {
    const question = { id: ownContent(session, contents++), tokens: tokens(random, mean, 1) };
    prompt.message('user', [question]);
    const answerTokens = tokens(random, shape.answerTokens, 0.7);
    const isLast = random() < 1 / shape.turns;
    const thinkS = exponential(random, shape.thinkS);
    const answerId = ownContent(session, contents++);
    const onDone = (nowS: number): void => {
      if (!isLast && prompt.tokens < shape.tokensMax) stage.at(nowS + thinkS, () => say(shape.questionTokens));
    };
    stage.send({ prompt, session, answerId, answerTokens, onDone });
  };
  say(shape.openingTokens + shape.questionTokens);
}
