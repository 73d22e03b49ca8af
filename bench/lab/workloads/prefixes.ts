// prefixes.ts: requests without a past that begin alike: documents, system prompts, crowds.

import type { Random } from '../../../src/core/random.ts';
import type { Segment } from '../prompt-writer.ts';
import type { Stage, Workload } from '../run.ts';
import { exponential, ownContent, poisson, randomOf, sharedContent, tokens, zipf } from './draws.ts';

export interface Lengths {
  readonly questionTokens: number;
  readonly answerTokens: number;
}

/** One request: a shared beginning as its system prompt, then a question that nobody else asks; without a question, the beginning is all there is. */
function ask(stage: Stage, session: number, prefix: Segment, questionTokens: number, answerTokens: number): void {
  const prompt = stage.prompt().message(questionTokens > 0 ? 'system' : 'user', [prefix]);
  if (questionTokens > 0) prompt.message('user', [{ id: ownContent(session, 0), tokens: questionTokens }]);
  stage.send({ prompt, session, answerId: ownContent(session, 1), answerTokens });
}

function askRandomly(stage: Stage, random: Random, session: number, prefix: Segment, { questionTokens, answerTokens }: Lengths): void {
  ask(stage, session, prefix, tokens(random, questionTokens), tokens(random, answerTokens));
}

export interface GroupsShape extends Lengths {
  readonly groups: number;
  readonly perGroup: number;
  readonly prefixTokens: number;
  readonly perS: number;
}

/** So many questions of each group, in random order. */
export function groups({ groups: count, perGroup, prefixTokens, questionTokens, answerTokens, perS }: GroupsShape): Workload {
  return (stage, seed) => {
    const random = randomOf(seed, -2);
    const order = Array.from({ length: count * perGroup }, (_, at) => at % count);
    for (let at = order.length - 1; at > 0; at--) {
      const other = Math.floor(random() * (at + 1));
      [order[at], order[other]] = [order[other]!, order[at]!];
    }
    let atS = 0;
    order.forEach((group, session) => {
      atS += exponential(random, 1 / perS);
      stage.at(atS, () => ask(stage, session, { id: sharedContent(group), tokens: prefixTokens }, questionTokens, answerTokens));
    });
  };
}

export interface MixShape extends Lengths {
  readonly perS: number;
  readonly durationS: number;
  /** The prefix of each request. */
  readonly prefix: (random: Random) => Segment;
}

export function mix({ perS, durationS, prefix, ...lengths }: MixShape): Workload {
  return (stage, seed) => {
    const random = randomOf(seed, -3);
    poisson(stage, randomOf(seed, -2), perS, 0, durationS, (session) => askRandomly(stage, random, session, prefix(random), lengths));
  };
}

/** A share of all requests begins alike, the others in one of many ways. */
export function hotPrefix(hotShare: number, hotTokens: number, others: number, otherTokens: number): MixShape['prefix'] {
  return (random) => {
    if (random() < hotShare) return { id: sharedContent(0), tokens: hotTokens };
    return { id: sharedContent(1 + Math.floor(random() * others)), tokens: otherTokens };
  };
}

export function zipfPrefix(count: number, exponent: number, prefixTokens: number): MixShape['prefix'] {
  const draw = zipf(count, exponent);
  return (random) => ({ id: sharedContent(draw(random)), tokens: prefixTokens });
}

/** Nothing is shared. */
export function unrelated(perS: number, durationS: number, meanTokens: number, answerTokens: number): Workload {
  return (stage, seed) => {
    const random = randomOf(seed, -3);
    poisson(stage, randomOf(seed, -2), perS, 0, durationS, (session) => {
      const prompt = stage.prompt().message('user', [{ id: ownContent(session, 0), tokens: tokens(random, meanTokens, 1) }]);
      stage.send({ prompt, session, answerId: ownContent(session, 1), answerTokens: tokens(random, answerTokens) });
    });
  };
}

export interface FlashShape extends Lengths {
  readonly durationS: number;
  readonly background: { readonly perS: number; readonly prefixes: number; readonly prefixTokens: number };
  readonly burst: { readonly everyS: number; readonly lastsS: number; readonly perS: number; readonly prefixTokens: number };
}

/** Quiet traffic, and now and then a crowd that asks about something brand-new. */
export function flash({ durationS, background, burst, ...lengths }: FlashShape): Workload {
  return (stage, seed) => {
    const random = randomOf(seed, -3);
    let sessions = 0;
    poisson(stage, randomOf(seed, -2), background.perS, 0, durationS, () => {
      const prefix = { id: sharedContent(Math.floor(random() * background.prefixes)), tokens: background.prefixTokens };
      askRandomly(stage, random, sessions++, prefix, lengths);
    });
    for (let crowd = 0, fromS = burst.everyS / 2; fromS < durationS; crowd++, fromS += burst.everyS) {
      const prefix = { id: sharedContent(background.prefixes + crowd), tokens: burst.prefixTokens };
      poisson(stage, randomOf(seed, -100 - crowd), burst.perS, fromS, fromS + burst.lastsS, () => askRandomly(stage, random, sessions++, prefix, lengths));
    }
  };
}

/** The same prompts again and again. */
export function repeated(perS: number, durationS: number, prompts: number, promptTokens: number, answerTokens: number): Workload {
  return (stage, seed) => {
    const random = randomOf(seed, -3);
    poisson(stage, randomOf(seed, -2), perS, 0, durationS, (session) => {
      ask(stage, session, { id: sharedContent(Math.floor(random() * prompts)), tokens: promptTokens }, 0, tokens(random, answerTokens));
    });
  };
}

/** Bursts of equal prompts, as reinforcement learning samples them. */
export function rollouts(burstsPerS: number, durationS: number, size: number, meanTokens: number, answerTokens: number): Workload {
  return (stage, seed) => {
    const random = randomOf(seed, -3);
    poisson(stage, randomOf(seed, -2), burstsPerS, 0, durationS, (burst) => {
      const prefix = { id: sharedContent(burst), tokens: tokens(random, meanTokens) };
      for (let at = 0; at < size; at++) ask(stage, burst * size + at, prefix, 0, tokens(random, answerTokens));
    });
  };
}
