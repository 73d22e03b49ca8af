// choice-feed.ts: choices as events: each one when it is made and when it is over, or forgotten. Looks into the ring when it is asked, and keeps nothing else.

import type { Choice, Choices } from '../core/choice.ts';
import { headAnswer } from './choice-answers.ts';
import { event, type Told } from './event-stream.ts';

const ENDED_EACH_TICK = 20;

export interface ChoiceFeedOptions {
  readonly choices: Choices;
  readonly clock: () => number;
  /** A choice as it is told when it is made. */
  readonly shown: (choice: Choice, nowMs: number) => object;
  /** Of more choices made since the tick before, so many of the newest are told: a person reads no faster. */
  readonly eachTick: number;
  /** How many of the last choices are told to one who begins to listen. */
  readonly greetedWith: number;
}

export class ChoiceFeed implements Told {
  readonly #options: ChoiceFeedOptions;
  /** Shown, and not over yet. */
  readonly #running = new Set<number>();
  #seen = 0;

  constructor(options: ChoiceFeedOptions) {
    this.#options = options;
  }

  begin(): void {
    this.#seen = this.#options.choices.latest;
  }

  end(): void {
    this.#running.clear();
  }

  greeting(): string {
    return this.#told(this.#seen - this.#options.greetedWith + 1);
  }

  tick(): string {
    const ended = this.#ended();
    const { latest } = this.#options.choices;
    const first = Math.max(this.#seen + 1, latest - this.#options.eachTick + 1);
    const skipped = first > this.#seen + 1 ? event('skipped', { choices: first - this.#seen - 1 }) : '';
    this.#seen = latest;
    return ended + skipped + this.#told(first);
  }

  /** From this one to the last that was seen. */
  #told(first: number): string {
    const { choices, clock, shown } = this.#options;
    let text = '';
    for (let seq = Math.max(1, first); seq <= this.#seen; seq += 1) {
      const choice = choices.read(seq);
      if (choice === undefined) continue;
      text += event('choice', shown(choice, clock()));
      if (choice.outcome === 'running') this.#running.add(seq);
    }
    return text;
  }

  #ended(): string {
    const { choices, clock } = this.#options;
    let text = '';
    let told = 0;
    for (const seq of this.#running) {
      if (told === ENDED_EACH_TICK) break;
      if (!choices.isOver(seq)) continue;
      this.#running.delete(seq);
      const choice = choices.read(seq);
      told += 1;
      // With so many choices that it is not kept, nobody knows how it ended.
      text += choice === undefined ? event('forgotten', { seq }) : event('ended', headAnswer(choice, clock()));
    }
    return text;
  }
}
