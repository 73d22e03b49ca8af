// usage-filter.ts: takes back what asking for usage does to a stream, so that the client gets the bytes it would have got.

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

// Inside a JSON string the quotes would be escaped, so these can only be keys.
const CHOICES = Buffer.from('"choices":');
const USAGE = Buffer.from('"usage":');
const FINISH = Buffer.from('"finish_reason":"');
const FINGERPRINT = Buffer.from('"system_fingerprint":');
const STAMP = /,"system_fingerprint":"(?:[^"\\]|\\.)*"/;

/** An event that has not shown its choices in so many bytes, or that has none and is longer, is no usage. */
const USAGE_EVENT_MAX_BYTES = 16_384;
/** Of an event that has begun to pass, the end is kept back: enough for any of the keys, cut anywhere, and for its closing brace. */
const TAIL_BYTES = 24;
/** What waits for the usage, comments behind the finish reason included: an engine that has usage to tell tells it at once. */
const WAITING_MAX_BYTES = 262_144;
const NOTHING = Buffer.alloc(0);

/** What the bytes of an event so far say about its choices. */
type Choices = 'unknown' | 'none' | 'some';

/**
 * Follows one stream of one sequence and leaves out the event with usage and no choices.
 *
 * vLLM puts its fingerprint into that event when there is one, and otherwise into the event with the finish reason. So the end of
 * that event, the last before the usage, waits for the event behind it. All other bytes pass as they come, but for those of an event
 * that can still be the usage, and a few at the end of an event that is not whole.
 */
export class UsageFilter {
  /** What came and has not passed: the end of the finish event, if any, and what is here of the event under way. */
  #held: Buffer = NOTHING;
  /** Where in `#held` the event under way begins: behind a finish event that waits. */
  #eventAt = 0;
  /** Part of the event under way has passed. */
  #passing = false;
  /** The engine puts its fingerprint into every event, so none moves. */
  #printsAlways = false;

  /** Whether what has passed ends where an event ends. Asked for when all has passed. */
  get atBoundary(): boolean {
    return !this.#passing;
  }

  /** What passes now that these bytes are here, in order. */
  feed(chunk: Buffer): Buffer[] {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const out: Buffer[] = [];
    let waits = this.#eventAt > 0;
    let from = 0;
    let at = this.#eventAt;
    for (let end = eventEnd(bytes, at); end >= 0; end = eventEnd(bytes, at)) {
      const event = bytes.subarray(at, end);
      if (!this.#passing && isUsage(event)) {
        const before = bytes.subarray(from, at);
        if (waits && !this.#printsAlways) out.push(...stamped(before, event));
        else if (at > from) out.push(before);
        from = end;
        waits = false;
      } else if (event.includes(FINISH)) {
        if (at > from) out.push(bytes.subarray(from, at));
        from = at;
        waits = true;
      } else if (event[0] !== COLON) waits = false;
      this.#passing = false;
      at = end;
    }
    const passable = this.#passable(bytes, at);
    const passed = waits && passable === at && at - from <= WAITING_MAX_BYTES ? from : passable;
    if (passed > from) out.push(passed - from === bytes.length ? bytes : bytes.subarray(from, passed));
    this.#held = passed === bytes.length ? NOTHING : bytes.subarray(passed);
    this.#eventAt = Math.max(0, at - passed);
    return out;
  }

  /** What is left when nothing more comes. An event that can only have been the usage is not. */
  end(): Buffer {
    const event = this.#held.subarray(this.#eventAt);
    const left = !this.#passing && choicesOf(event) === 'none' ? this.#held.subarray(0, this.#eventAt) : this.#held;
    if (left.length > this.#eventAt) this.#passing = true;
    this.#held = NOTHING;
    return left;
  }

  /** Up to where an event that begins at `at`, and is not whole, can pass. */
  #passable(bytes: Buffer, at: number): number {
    if (at === bytes.length) return at;
    const event = bytes.subarray(at);
    if (!this.#passing) {
      if (choicesOf(event) !== 'some' && event.length <= USAGE_EVENT_MAX_BYTES) return at;
      if (event.includes(FINGERPRINT)) this.#printsAlways = true;
    }
    const finish = event.indexOf(FINISH);
    let passed = at + (finish < 0 ? Math.max(0, event.length - TAIL_BYTES) : finish);
    // A line's end at the beginning would look like an empty line.
    while (passed > at && (bytes[passed] === LF || bytes[passed] === CR)) passed -= 1;
    if (passed > at) this.#passing = true;
    return passed;
  }
}

/** Behind the empty line that ends the event which begins at `from`; -1 when it is not here. */
function eventEnd(bytes: Buffer, from: number): number {
  for (let line = from; ; ) {
    const newline = bytes.indexOf(LF, line);
    if (newline < 0) return -1;
    if (newline === line || (newline === line + 1 && bytes[line] === CR)) return newline + 1;
    line = newline + 1;
  }
}

function isUsage(event: Buffer): boolean {
  return choicesOf(event) === 'none' && event[valueOf(event, USAGE)] === OPEN_BRACE;
}

function choicesOf(event: Buffer): Choices {
  const open = valueOf(event, CHOICES);
  const first = event[open] === OPEN_BRACKET ? skipSpace(event, open + 1) : open;
  if (first >= event.length) return 'unknown';
  return event[first] === CLOSE_BRACKET ? 'none' : 'some';
}

/** Where the value of a key begins; the event's length when it is not here. */
function valueOf(event: Buffer, key: Buffer): number {
  const at = event.indexOf(key);
  return at < 0 ? event.length : skipSpace(event, at + key.length);
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] === SPACE) at += 1;
  return at;
}

/** The finish event with the fingerprint of the usage event at its end, as it is written when no usage follows. */
function stamped(finish: Buffer, usage: Buffer): Buffer[] {
  const stamp = STAMP.exec(usage.toString('latin1'))?.[0];
  const brace = finish.lastIndexOf(CLOSE_BRACE);
  if (stamp === undefined || brace < 0 || finish.includes(FINGERPRINT)) return [finish];
  return [finish.subarray(0, brace), Buffer.from(stamp, 'latin1'), finish.subarray(brace)];
}
