// problem.ts: one thing wrong with the configuration, told so that it can be put right without reading code.

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** `file` is a path, or the name of an environment variable; `key` is empty when the file as a whole is meant. */
export interface Problem extends Position {
  readonly file: string;
  readonly key: string;
  readonly seen: string;
  readonly wanted: string;
}

export type Path = readonly PropertyKey[];

/** `file:line:column: key: is SEEN, wanted WANTED`, the form that editors and terminals make clickable. */
export function formatProblem(problem: Problem): string {
  const key = problem.key === '' ? '' : `${problem.key}: `;
  return `${problem.file}:${problem.line}:${problem.column}: ${key}is ${problem.seen}, wanted ${problem.wanted}`;
}

/** `['pools', 0, 'probe', 'interval_ms']` → `pools[0].probe.interval_ms` */
export function keyOf(path: Path): string {
  return path.map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i === 0 ? '' : '.'}${String(part)}`)).join('');
}

const SEEN_LENGTH_MAX = 80;

/** A value as a message shows it: short, and without what may be the password of an address. */
export function describeSeen(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'empty';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value !== 'string') return String(value);
  const shown = value.replace(/^.*@/s, '…@');
  return JSON.stringify(shown.length > SEEN_LENGTH_MAX ? `${shown.slice(0, SEEN_LENGTH_MAX)}…` : shown);
}
