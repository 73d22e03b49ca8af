// metrics-text.ts: a line scanner for the Prometheus text format that reads only what it is asked for.

export type Labels = ReadonlyMap<string, string>;

/** Called once for each series. The value may be NaN or infinite. */
export type Visit = (name: string, labels: Labels, value: number) => void;

const QUOTE = 34;
const BACKSLASH = 92;
const SPACE = 32;
const OPEN_BRACE = 123;

/**
 * Visits the series whose name is wanted, in the order of the text.
 *
 * Tolerant: comments, timestamps, exemplars and lines that make no sense are passed over. Never throws.
 */
export function scanMetrics(text: string, wanted: ReadonlySet<string>, visit: Visit): void {
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    const nameEnd = endOfName(text, start, end);
    const name = text.slice(start, nameEnd);
    if (wanted.has(name)) visitSeries(text.slice(nameEnd, end), name, visit);
    start = end + 1;
  }
}

function endOfName(text: string, start: number, end: number): number {
  let at = start;
  while (at < end) {
    const code = text.charCodeAt(at);
    if (code === OPEN_BRACE || code <= SPACE) break;
    at += 1;
  }
  return at;
}

/** `rest` is the line after the name. */
function visitSeries(rest: string, name: string, visit: Visit): void {
  const labels = new Map<string, string>();
  let at = skipSpace(rest, 0);
  if (rest[at] === '{') {
    const close = readLabels(rest, at + 1, labels);
    if (close === undefined) return;
    at = skipSpace(rest, close + 1);
  }
  const value = numberOf(rest.slice(at, endOfWord(rest, at)));
  if (value !== undefined) visit(name, labels, value);
}

/** Fills `labels` with `name="value"` pairs from `from` on. Gives the place of the closing brace, undefined when there is none. */
function readLabels(line: string, from: number, labels: Map<string, string>): number | undefined {
  let at = from;
  for (;;) {
    while (line[at] === ',' || line.charCodeAt(at) <= SPACE) at += 1;
    if (line[at] === '}') return at;
    const equals = line.indexOf('=', at);
    if (equals === -1) return undefined;
    const open = skipSpace(line, equals + 1);
    if (line.charCodeAt(open) !== QUOTE) return undefined;
    const close = endOfQuoted(line, open + 1);
    if (close === undefined) return undefined;
    labels.set(line.slice(at, equals).trimEnd(), unescape(line.slice(open + 1, close)));
    at = close + 1;
  }
}

function endOfQuoted(line: string, from: number): number | undefined {
  for (let at = from; at < line.length; at += 1) {
    const code = line.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code === BACKSLASH) at += 1;
  }
  return undefined;
}

/** `\\`, `\"` and `\n`; any other escape stands for itself. */
function unescape(quoted: string): string {
  if (!quoted.includes('\\')) return quoted;
  let plain = '';
  for (let at = 0; at < quoted.length; at += 1) {
    const escaped = quoted[at] === '\\' && at + 1 < quoted.length;
    if (escaped) at += 1;
    plain += escaped && quoted[at] === 'n' ? '\n' : quoted[at];
  }
  return plain;
}

function numberOf(word: string): number | undefined {
  if (word === '') return undefined;
  if (word === '+Inf') return Infinity;
  if (word === '-Inf') return -Infinity;
  const value = Number(word);
  return Number.isNaN(value) && word !== 'NaN' ? undefined : value;
}

function skipSpace(line: string, from: number): number {
  let at = from;
  while (at < line.length && line.charCodeAt(at) <= SPACE) at += 1;
  return at;
}

function endOfWord(line: string, from: number): number {
  let at = from;
  while (at < line.length && line.charCodeAt(at) > SPACE) at += 1;
  return at;
}
