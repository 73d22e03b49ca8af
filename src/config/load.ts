// load.ts: where the configuration comes from: a file, or one environment variable. The only reader of the environment.
import { readFileSync } from 'node:fs';
import type { Position, Problem } from './problem.ts';
import { parseSource } from './source.ts';
import { validate } from './validate.ts';
import type { Loaded } from './validate.ts';
import type { Surroundings } from './variables.ts';

/** What stands for the file where there is none. */
export const ENDPOINTS_VARIABLE = 'WARMROUTE_ENDPOINTS';

/** A file as it was read once, with what it is made of. */
export interface ReadFile {
  readonly path: string;
  readonly loaded: Loaded;
  /** The text of this file and of those that it names, by path; undefined: unreadable. May be secret. */
  readonly texts: ReadonlyMap<string, string | undefined>;
}

/** Reads the file and remembers what it read. Never throws. */
export function readConfigFile(path: string, env: Surroundings['env'] = process.env): ReadFile {
  const texts = new Map<string, string | undefined>();
  const readFile = (file: string): string => {
    texts.set(file, undefined);
    const text = readFileSync(file, 'utf8');
    texts.set(file, text);
    return text;
  };
  return { path, loaded: loadConfig({ path, env, readFile }), texts };
}

/** Whether all of these files still have the same text. */
export function isUnchanged({ texts }: Pick<ReadFile, 'texts'>): boolean {
  return [...texts].every(([file, text]) => text === textOf(file));
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** The file at `path` if one is given, else what the environment says. Never throws. */
export function readConfig(path: string | undefined, env: Surroundings['env'] = process.env): Loaded {
  return path === undefined ? configFromEnv(env) : readConfigFile(path, env).loaded;
}

/** `readFile` reads the file itself and those named by `${file:…}`. Never throws. */
export function loadConfig({ path, ...surroundings }: Surroundings & { readonly path: string }): Loaded {
  let text: string;
  try {
    text = surroundings.readFile(path);
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    return { kind: 'invalid', problems: [wholeProblem(path, `unreadable${why}`, 'a readable YAML file')] };
  }
  return validate(parseSource(text, path, surroundings), surroundings.readFile);
}

/**
 * `WARMROUTE_ENDPOINTS=http://a:8000,http://b:8000`: one pool named `default`, everything else as by default.
 *
 * In problems the variable stands for the file, and the column counts its characters.
 */
export function configFromEnv(env: Surroundings['env']): Loaded {
  const value = env[ENDPOINTS_VARIABLE];
  if (value === undefined || value.trim() === '') {
    const wanted = 'addresses separated by commas, or a file named by --config';
    return { kind: 'invalid', problems: [wholeProblem(ENDPOINTS_VARIABLE, value === undefined ? 'not set' : 'empty', wanted)] };
  }
  const parts = value.split(',');
  const columns = parts.map((part, i) => 1 + parts.slice(0, i).join(',').length + Math.min(i, 1) + (part.length - part.trimStart().length));
  const positionOf = (path: readonly PropertyKey[]): Position => ({ line: 1, column: columns[Number(path[3] ?? 0)] ?? 1 });
  const data = { pools: [{ endpoints: parts.map((part) => part.trim()) }] };
  return validate({ file: ENDPOINTS_VARIABLE, data, positionOf, positionOfKey: positionOf, secrets: new Set(), problems: [] }, () => '');
}

function wholeProblem(file: string, seen: string, wanted: string): Problem {
  return { file, line: 1, column: 1, key: '', seen, wanted };
}
