// loading.ts: a file from a string, with an environment and secrets made up for the test.
import assert from 'node:assert/strict';
import type { Config } from '../../../src/config/config.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { formatProblem } from '../../../src/config/problem.ts';
import type { Loaded } from '../../../src/config/validate.ts';

export function load(text: string, env: Record<string, string> = {}, files: Record<string, string> = {}): Loaded {
  const readFile = (path: string): string => {
    const content = path === 'w.yaml' ? text : files[path];
    if (content === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return content;
  };
  return loadConfig({ path: 'w.yaml', env, readFile });
}

export function loadOk(...given: Parameters<typeof load>): Config {
  const loaded = load(...given);
  assert(loaded.kind === 'ok', loaded.kind === 'invalid' ? loaded.problems.map(formatProblem).join('\n') : '');
  return loaded.config;
}

/** The messages about a file that is not taken. */
export function complaints(...given: Parameters<typeof load>): string[] {
  const loaded = load(...given);
  return loaded.kind === 'invalid' ? loaded.problems.map(formatProblem) : [];
}
