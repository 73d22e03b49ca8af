// validate.ts: data in, configuration or all its problems out. The one place where schema, contradictions and positions meet.
import type { z } from 'zod';
import { toConfig } from './config.ts';
import type { Config } from './config.ts';
import { readCertificates } from './certificates.ts';
import { contradictionsOf } from './contradictions.ts';
import { holdsSecret, jsonSchema, nodeAt, propertiesOf, withDefaults } from './json-schema.ts';
import { nearest } from './nearest.ts';
import { describeSeen, keyOf } from './problem.ts';
import type { Path, Position, Problem } from './problem.ts';
import { configSchema } from './schema.ts';
import type { Source } from './source.ts';

export type Loaded = { readonly kind: 'ok'; readonly config: Config } | { readonly kind: 'invalid'; readonly problems: readonly Problem[] };

const HIDDEN = 'a value not shown here';

/** `readFile` reads the files with certificates. Problems come in the order of the file. What a key's variables lack hides what else is wrong with it; else it has one problem. */
export function validate(source: Source, readFile: (path: string) => string): Loaded {
  const problems = [...source.problems];
  if (source.data !== undefined) {
    const parsed = configSchema.safeParse(source.data);
    const filled = withDefaults(jsonSchema, source.data);
    const certificates = readCertificates(filled, readFile);
    const contradictions = [...contradictionsOf(filled), ...certificates.problems];
    const found = parsed.success ? [] : parsed.error.issues.flatMap((issue) => problemsOf(issue, source));
    found.push(...contradictions.map(({ path, seen, wanted }) => problemAt(source, source.positionOf(path), path, isSecret(path, source) ? HIDDEN : seen, wanted)));
    const told = new Set(problems.map(({ key }) => key));
    problems.push(...found.filter(({ key }) => !told.has(key) && told.add(key)));
    if (parsed.success && problems.length === 0) return { kind: 'ok', config: toConfig(parsed.data, certificates.texts) };
  }
  return { kind: 'invalid', problems: problems.toSorted((a, b) => a.line - b.line || a.column - b.column) };
}

type Issue = z.core.$ZodIssue;

function problemsOf(issue: Issue, source: Source): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      return problemAt(source, source.positionOfKey(path), path, 'an unknown key', wantedInsteadOf(key, issue.path));
    });
  }
  if (issue.code === 'invalid_union') {
    const inner = fittingForm(issue.errors);
    if (inner) return inner.flatMap((deeper) => problemsOf({ ...deeper, path: [...issue.path, ...deeper.path] }, source));
  }
  return [problemAt(source, source.positionOf(issue.path), issue.path, seenAt(issue.path, source), issue.message)];
}

function problemAt({ file }: Source, position: Position, path: Path, seen: string, wanted: string): Problem {
  return { file, ...position, key: keyOf(path), seen, wanted };
}

/** Of the forms a value may have, the one it seems meant to have: the one whose type it is. */
function fittingForm(forms: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  return forms.find((issues) => issues.every(({ code, path }) => path.length > 0 || (code !== 'invalid_type' && code !== 'invalid_value')));
}

function wantedInsteadOf(key: string, path: Path): string {
  const keys = Object.keys(propertiesOf(nodeAt(jsonSchema, path)));
  const meant = nearest(key, keys);
  return meant ?? `one of ${keys.join(', ')}`;
}

function seenAt(path: Path, source: Source): string {
  let value = source.data;
  for (const part of path) value = typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[part] : undefined;
  const isHidden = isSecret(path, source) ? value !== undefined : value !== undefined && typeof value !== 'object' && holdsSecret(nodeAt(jsonSchema, path));
  return isHidden ? HIDDEN : describeSeen(value);
}

function isSecret(path: Path, source: Source): boolean {
  return source.secrets.has(keyOf(path)) || nodeAt(jsonSchema, path)?.writeOnly === true;
}
