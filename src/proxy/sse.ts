// sse.ts: sees where the events of a stream begin and end while its bytes go by, and keeps the last few.

import { withPiece } from './gathered-bytes.ts';

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
/** Of one event. Of a longer one the beginning and the end are kept, which is where its name and its usage stand. */
const EVENT_KEPT_MAX_BYTES = 1_048_576;
const BEGINNING_BYTES = 4_096;
const NOTHING = Buffer.alloc(0);

/** Told of each complete event that has a field, while the scanner has a listener. */
export type EventListener = (event: Buffer) => void;

/**
 * Follows a stream without copying it: an event that lies in one chunk is kept as a view of that chunk, and only the last three
 * are kept, since the finish reason, the usage and the terminal event are the last three things an engine writes.
 */
export class SseScanner {
  /** Complete events that are not comments alone. */
  events = 0;
  /** Complete blocks of comments alone: keep-alives. */
  comments = 0;
  /** Set it to hear of events; unset it once enough was heard. */
  listener: EventListener | undefined;

  #last: Buffer | undefined;
  #secondLast: Buffer | undefined;
  #thirdLast: Buffer | undefined;
  /** Of the event under way: its beginning, what is kept of the rest, and how much both are. */
  #beginning: Buffer = NOTHING;
  #carry: Buffer[] = [];
  #carryBytes = 0;
  /** Of the line that is being read: how long it is so far, without a carriage return. */
  #lineBytes = 0;
  #lineIsComment = false;
  #eventHasField = false;
  #eventHasComment = false;

  /** Whether the bytes so far end where an event ends, so that another one may be put behind them. */
  get atBoundary(): boolean {
    return this.#carryBytes === 0;
  }

  /** The end of what is here of the event under way, at most so many bytes. */
  partial(bytes: number): Buffer {
    let from = this.#carry.length;
    let found = 0;
    for (; from > 0 && found < bytes; found += this.#carry[from]!.length) from -= 1;
    const end = this.#carry.slice(from);
    return Buffer.concat(found < bytes ? [this.#beginning, ...end] : end).subarray(-bytes);
  }

  /** The last events, oldest first, at most three. */
  get last(): readonly Buffer[] {
    return [this.#thirdLast, this.#secondLast, this.#last].filter((event) => event !== undefined);
  }

  feed(chunk: Buffer): void {
    let eventStart = 0;
    let lineStart = 0;
    while (lineStart < chunk.length) {
      const newline = chunk.indexOf(LF, lineStart);
      const lineEnd = newline < 0 ? chunk.length : newline;
      this.#readLine(chunk, lineStart, lineEnd);
      if (newline < 0) break;
      lineStart = newline + 1;
      if (this.#lineBytes > 0) {
        if (this.#lineIsComment) this.#eventHasComment = true;
        else this.#eventHasField = true;
        this.#lineBytes = 0;
      } else {
        this.#endEvent(chunk, eventStart, lineStart);
        eventStart = lineStart;
      }
    }
    if (eventStart < chunk.length) this.#keepPart(eventStart === 0 ? chunk : chunk.subarray(eventStart));
  }

  #readLine(chunk: Buffer, start: number, end: number): void {
    const length = end > start && chunk[end - 1] === CR ? end - start - 1 : end - start;
    if (length === 0) return;
    if (this.#lineBytes === 0) this.#lineIsComment = chunk[start] === COLON;
    this.#lineBytes += length;
  }

  #endEvent(chunk: Buffer, start: number, end: number): void {
    if (this.#eventHasField) {
      this.events += 1;
      const event = this.#take(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end));
      this.#thirdLast = this.#secondLast;
      this.#secondLast = this.#last;
      this.#last = event;
      this.listener?.(event);
    } else {
      if (this.#eventHasComment) this.comments += 1;
      this.#dropCarry();
    }
    this.#eventHasField = false;
    this.#eventHasComment = false;
  }

  #take(tail: Buffer): Buffer {
    if (this.#carryBytes === 0) return tail;
    const whole = Buffer.concat([this.#beginning, ...this.#carry, tail]);
    this.#dropCarry();
    return whole;
  }

  #keepPart(part: Buffer): void {
    this.#carryBytes += part.length;
    if (this.#carryBytes === part.length) this.#beginning = part;
    else if (this.#carryBytes <= BEGINNING_BYTES) this.#beginning = Buffer.concat([this.#beginning, part]);
    else {
      this.#carry = withPiece(this.#carry, part);
      while (this.#carryBytes - this.#carry[0]!.length >= EVENT_KEPT_MAX_BYTES) this.#carryBytes -= this.#carry.shift()!.length;
    }
  }

  #dropCarry(): void {
    if (this.#carryBytes === 0) return;
    this.#beginning = NOTHING;
    this.#carry = [];
    this.#carryBytes = 0;
  }
}

/** An event's fields. `data` is its first data line: the engines write one. */
export interface EventFields {
  readonly name: string;
  readonly data: string;
}

/** Reads one event's name and data. */
export function readEvent(event: Buffer): EventFields {
  let name = '';
  let data = '';
  for (const line of event.toString('utf8').split('\n')) {
    if (line.startsWith('data:') && data === '') data = line.slice(5).trim();
    else if (line.startsWith('event:')) name = line.slice(6).trim();
  }
  return { name, data };
}
