// choice-stream.ts: choices as server-sent events. Looks into the ring a few times a second while somebody listens, and never otherwise.

import type { ServerResponse } from 'node:http';
import type { Choices } from '../core/choice.ts';
import { choiceAnswer, headAnswer } from './choice-answers.ts';

const TICK_MS = 250;
/** Of more choices the newest are shown: a person reads no faster, and a page of 200 endpoints costs little. */
const CHOICES_EACH_TICK = 5;
const ENDED_EACH_TICK = 20;
const LISTENERS_MAX = 16;
/** Who has not read this much gets nothing more until he has. */
const UNREAD_BYTES_MAX = 1_048_576;
/** A connection on which nothing is said looks like one that is lost. */
const QUIET_TICKS_MAX = 20;

const HEAD = ['content-type', 'text/event-stream; charset=utf-8', 'cache-control', 'no-store', 'x-accel-buffering', 'no'];

export class ChoiceStream {
  readonly #choices: Choices;
  readonly #clock: () => number;
  readonly #listeners = new Set<ServerResponse>();
  /** Shown, and not over yet. */
  readonly #running = new Set<number>();
  #timer: NodeJS.Timeout | undefined;
  #seen = 0;
  #quietTicks = 0;

  constructor(choices: Choices, clock: () => number) {
    this.#choices = choices;
    this.#clock = clock;
  }

  get isFull(): boolean {
    return this.#listeners.size >= LISTENERS_MAX;
  }

  /** It hears of choices from now on. */
  add(listener: ServerResponse): void {
    listener.writeHead(200, HEAD);
    listener.write('retry: 1000\n\n');
    listener.on('close', () => this.#remove(listener));
    listener.on('error', () => {});
    if (this.#listeners.size === 0) {
      this.#seen = this.#choices.latest;
      this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
    }
    this.#listeners.add(listener);
  }

  close(): void {
    for (const listener of this.#listeners) listener.end();
  }

  #remove(listener: ServerResponse): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0) return;
    clearInterval(this.#timer);
    this.#running.clear();
  }

  #tick(): void {
    const text = this.#ended() + this.#made();
    this.#quietTicks = text === '' ? this.#quietTicks + 1 : 0;
    if (text === '' && this.#quietTicks < QUIET_TICKS_MAX) return;
    this.#quietTicks = 0;
    for (const listener of this.#listeners) if (listener.writableLength < UNREAD_BYTES_MAX) listener.write(text === '' ? ': still here\n\n' : text);
  }

  #made(): string {
    const { latest } = this.#choices;
    const first = Math.max(this.#seen + 1, latest - CHOICES_EACH_TICK + 1);
    let text = first > this.#seen + 1 ? event('skipped', { choices: first - this.#seen - 1 }) : '';
    for (let seq = first; seq <= latest; seq += 1) {
      const choice = this.#choices.read(seq);
      if (choice === undefined) continue;
      text += event('choice', choiceAnswer(choice, this.#clock()));
      if (choice.outcome === 'running') this.#running.add(seq);
    }
    this.#seen = latest;
    return text;
  }

  #ended(): string {
    let text = '';
    let told = 0;
    for (const seq of this.#running) {
      if (told === ENDED_EACH_TICK) break;
      if (!this.#choices.isOver(seq)) continue;
      this.#running.delete(seq);
      const choice = this.#choices.read(seq);
      if (choice === undefined) continue;
      told += 1;
      text += event('ended', headAnswer(choice, this.#clock()));
    }
    return text;
  }
}

function event(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
