// judge.ts: what a client that trusts nobody makes of an answer.

/** What a client saw of one request. */
export interface Seen {
  /** 0: nothing came. */
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly text: string;
  /** `cut`: the connection broke; `given up`: the client waited as long as it would. */
  readonly end: 'clean' | 'cut' | 'given up';
}

export type Verdict =
  /** The whole answer of this conversation. */
  | 'answered'
  /** An error with its status and a body that says so, before any part of an answer. */
  | 'refused'
  /** Part of the answer, then an error event, or the engine's own word that it gave up. */
  | 'told'
  /** Broken without a word. */
  | 'lost'
  /** Ended as if all were well, but short. */
  | 'silent'
  | 'hung'
  /** Bytes of another conversation. */
  | 'mixed';

interface Chunk {
  readonly error?: object;
  readonly choices?: readonly { readonly delta?: { readonly content?: string }; readonly message?: { readonly content?: string }; readonly finish_reason?: string | null }[];
}

const EVENT = 'data: ';
const DONE = '[DONE]';

/** `expected` is the answer's text, as the engine gives it for this prompt and nobody else's. */
export function judge(seen: Seen, expected: string, streams: boolean): Verdict {
  if (seen.end === 'given up') return 'hung';
  if (seen.status === 0) return 'lost';
  if (seen.status >= 400) return seen.end === 'clean' && isError(seen.text) ? 'refused' : 'lost';
  return streams ? judgeStream(seen, expected) : judgeWhole(seen, expected);
}

function judgeWhole({ text, end }: Seen, expected: string): Verdict {
  if (end === 'cut') return 'lost';
  const choice = parse(text)?.choices?.[0];
  if (choice?.finish_reason === 'abort') return 'silent';
  if (choice === undefined) return 'silent';
  return choice.message?.content === expected ? 'answered' : 'mixed';
}

function judgeStream({ text, end }: Seen, expected: string): Verdict {
  // The last piece is empty, or an event that did not come whole.
  const events = text.split('\n\n').slice(0, -1).filter((event) => event.startsWith(EVENT)).map((event) => event.slice(EVENT.length));
  const chunks = events.filter((event) => event !== DONE).map(parse);
  const content = chunks.map((chunk) => chunk?.choices?.[0]?.delta?.content ?? '').join('');
  if (!expected.startsWith(content)) return 'mixed';
  const reasons = chunks.map((chunk) => chunk?.choices?.[0]?.finish_reason).filter((reason) => typeof reason === 'string');
  if (chunks.some((chunk) => chunk?.error !== undefined)) return 'told';
  if (reasons.includes('abort')) return content === '' ? 'silent' : 'told';
  if (end === 'cut') return 'lost';
  return events.at(-1) === DONE && reasons.length === 1 && content === expected ? 'answered' : 'silent';
}

function isError(text: string): boolean {
  return parse(text)?.error !== undefined;
}

function parse(json: string): Chunk | undefined {
  try {
    return JSON.parse(json) as Chunk;
  } catch {
    return undefined;
  }
}
