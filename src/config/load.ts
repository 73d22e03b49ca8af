// load.ts: where the configuration comes from: a file, or one environment variable. The only reader of the environment.
import { readFileSync } from 'node:fs';
import type { Position, Problem } from './problem.ts';
import { parseSource } from './source.ts';
import { validate } from './validate.ts';
import type { Loaded } from './validate.ts';
import type { Surroundings } from './variables.ts';

const ENDPOINTS_VARIABLE = 'WARMROUTE_ENDPOINTS';

/** The file at `path` if one is given, else what the environment says. Never throws. */
export function readConfig(path: string | undefined, env: Surroundings['env'] = process.env): Loaded {
  return path === undefined ? configFromEnv(env) : loadConfig({ path, env, readFile: (file) => readFileSync(file, 'utf8') });
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
  return validate(parseSource(text, path, surroundings));
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
  return validate({
    file: ENDPOINTS_VARIABLE,
    data: { pools: [{ endpoints: parts.map((part) => part.trim()) }] },
    positionOf,
    positionOfKey: positionOf,
    secrets: new Set(),
    problems: [],
  });
}

function wholeProblem(file: string, seen: string, wanted: string): Problem {
  return { file, line: 1, column: 1, key: '', seen, wanted };
}
