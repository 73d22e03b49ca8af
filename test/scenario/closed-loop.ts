// closed-loop.ts: conversations against one endpoint whose cache evicts, request by request, beside what the router predicts.

import { seededRandom } from '../../src/core/random.ts';
import { createHouse, type House } from '../unit/dispatch/house.ts';
import { EngineCache, tokensOf } from './engine-cache.ts';

export interface LoopOptions {
  readonly seed: number;
  /** What the engine's cache holds. */
  readonly capacityTokens: number;
  /** What the router is told. */
  readonly toldTokens: number | undefined;
  readonly conversations: number;
  /** Share of requests whose prefix the engine does not find, for reasons of its own. */
  readonly lost?: number;
  readonly reports?: boolean;
  /** False: answers carry no usage at all. */
  readonly usage?: boolean;
  /** Requests between two scrapes; without it, only `sample` scrapes. */
  readonly scrapedEvery?: number;
  /** False: the template renders an answer that comes back otherwise than it was generated. */
  readonly keepsAnswers?: boolean;
}

export interface Step {
  readonly predicted: number;
  readonly reported: number;
  readonly promptTokens: number;
}

const SYSTEM = 'You are a helpful assistant who answers questions about the history of railways. '.repeat(8);
const TURNS_MAX = 8;

/** One request at a time; each `step` is one turn of a random conversation, or the first of a new one. */
export class ClosedLoop {
  readonly cache: EngineCache;
  readonly house: House;
  readonly #options: LoopOptions;
  readonly #random: () => number;
  readonly #conversations: string[][] = [];
  #started = 0;
  #steps = 0;

  constructor(options: LoopOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.cache = new EngineCache(options.capacityTokens);
    this.house = createHouse({ endpoints: 1 });
    if (options.toldTokens !== undefined) this.sample(options.toldTokens);
  }

  sample(capacityTokens: number | undefined, processStartS = 1): void {
    const { queriesTotal, hitsTotal } = this.cache;
    const { nowMs } = this.house;
    this.house.endpoint(0).noteSample({ atMs: nowMs, running: 0, waiting: 0, kvUsage: 0, blockSize: 16, capacityTokens, prefixCaching: true, prefixQueriesTotal: queriesTotal, prefixHitsTotal: hitsTotal, asleep: false, stepsTotal: undefined, processStartS });
  }

  step(): Step {
    const { conversations, toldTokens, scrapedEvery, lost = 0, reports = true, usage: hasUsage = true, keepsAnswers = true } = this.#options;
    const random = this.#random;
    const at = Math.floor(random() ** 2 * conversations);
    let messages = this.#conversations[at];
    if (messages === undefined || messages.length > 2 * TURNS_MAX) messages = [];
    messages.push(`${messages.length === 0 ? SYSTEM : ''}${this.#text(100 + 600 * random())}`);
    const prompt = tokensOf(messages);
    const answerText = this.#text(100 + 400 * random());
    const assigned = this.house.dispatcher.assign({ facts: this.house.chat(messages), listener: 'prefix', excluded: [] });
    if (assigned.kind === 'refused') throw new Error(assigned.message);
    this.house.nowMs += 50;
    this.house.dispatcher.firstToken(assigned.attempt);
    this.house.nowMs += 500;
    messages.push(answerText);
    const generated = tokensOf(messages).subarray(prompt.length);
    const answer = keepsAnswers ? generated : generated.map((token) => token + 1);
    const { cachedTokens } = this.cache.serve(prompt, answer, random() >= lost);
    const usage = !hasUsage ? undefined : { promptTokens: prompt.length, completionTokens: answer.length, cachedTokens: reports ? cachedTokens : undefined };
    this.house.dispatcher.finish(assigned.attempt, { kind: 'complete', usage, responseId: undefined });
    this.#conversations[at] = messages;
    this.#steps += 1;
    if (scrapedEvery !== undefined && this.#steps % scrapedEvery === 0) this.sample(toldTokens);
    return { predicted: assigned.predictedCachedTokens, reported: cachedTokens, promptTokens: prompt.length };
  }

  /** Mean |predicted − reported| as a share of prompt tokens, over so many requests. */
  error(requests: number): number {
    let error = 0;
    let prompts = 0;
    for (let i = 0; i < requests; i++) {
      const { predicted, reported, promptTokens } = this.step();
      error += Math.abs(predicted - reported);
      prompts += promptTokens;
    }
    return error / prompts;
  }

  #text(bytes: number): string {
    this.#started += 1;
    let text = `${this.#started}:`;
    while (text.length < bytes) text += `${Math.floor(this.#random() * 1e6).toString(36)} `;
    return text;
  }
}
