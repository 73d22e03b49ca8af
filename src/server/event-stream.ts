// event-stream.ts: server-sent events for those who listen. Its source is asked a few times a second while somebody does, and never otherwise.

import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';

/** What is told. Each text is whole events, or empty. */
export interface Told {
  /** Somebody listens from now on, where nobody did. */
  begin(): void;
  /** For one who begins to listen. */
  greeting(): string;
  /** For all, each tick. */
  tick(): string;
  /** Nobody listens any more. */
  end(): void;
}

export const TICK_MS = 250;
const LISTENERS_MAX = 16;
/** Who has not read this much is let go: what he would read is long over, and ends that are left out are never told. He may come again, and is greeted. */
const UNREAD_BYTES_MAX = 1_048_576;
/** A connection on which nothing is said looks like one that is lost. */
const QUIET_TICKS_MAX = 20;

const HEAD = ['content-type', 'text/event-stream; charset=utf-8', 'cache-control', 'no-store', 'x-accel-buffering', 'no'];

export class EventStream {
  readonly #told: Told;
  readonly #listeners = new Set<ServerResponse>();
  #timer: NodeJS.Timeout | undefined;
  #quietTicks = 0;

  constructor(told: Told) {
    this.#told = told;
  }

  get isFull(): boolean {
    return this.#listeners.size >= LISTENERS_MAX;
  }

  /** It hears of everything from now on. */
  add(listener: ServerResponse): void {
    listener.writeHead(200, HEAD);
    listener.on('close', () => this.#remove(listener));
    listener.on('error', () => {});
    if (this.#listeners.size === 0) {
      this.#told.begin();
      this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
    }
    this.#listeners.add(listener);
    listener.write(`retry: 1000\n\n${this.#told.greeting()}`);
  }

  close(): void {
    for (const listener of this.#listeners) listener.end();
  }

  #remove(listener: ServerResponse): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0) return;
    clearInterval(this.#timer);
    this.#told.end();
  }

  #tick(): void {
    const text = this.#told.tick();
    this.#quietTicks = text === '' ? this.#quietTicks + 1 : 0;
    if (text === '' && this.#quietTicks < QUIET_TICKS_MAX) return;
    this.#quietTicks = 0;
    for (const listener of this.#listeners) {
      if (listener.writableLength < UNREAD_BYTES_MAX) listener.write(text === '' ? ': still here\n\n' : text);
      else listener.destroy();
    }
  }
}

/** Open streams end when the listener closes. */
export function registerStream(admin: FastifyInstance, path: string, told: Told): void {
  const stream = new EventStream(told);
  admin.get(path, { exposeHeadRoute: false }, (_request, reply) => {
    if (stream.isFull) return reply.code(503).send({ error: 'as many listen already as may' });
    reply.hijack();
    stream.add(reply.raw);
    return reply;
  });
  admin.addHook('preClose', (done) => {
    stream.close();
    done();
  });
}

export function event(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
