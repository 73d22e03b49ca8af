// variables.ts: ${VAR}, ${VAR:-default} and ${file:/path} inside one scalar of the file.

/** Where variables come from. `readFile` throws when there is no such file. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => string;
}

export type Substituted =
  | { readonly kind: 'unchanged' }
  /** `whole`: the scalar is one variable and nothing else. `fromFile`: the text may be a secret. */
  | { readonly kind: 'replaced'; readonly text: string; readonly whole: boolean; readonly fromFile: boolean }
  | { readonly kind: 'unresolved'; readonly failures: readonly Failure[] };

/** `offset` is where the variable begins in the scalar's text. */
export interface Failure {
  readonly offset: number;
  readonly seen: string;
  readonly wanted: string;
}

const VARIABLE = /\$\{([^}]*)\}/g;
const NAMED = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s;

/** As in a shell, the default of `${VAR:-default}` also replaces an empty variable. A file's trailing line end is cut off. */
export function substitute(text: string, surroundings: Surroundings): Substituted {
  const failures: Failure[] = [];
  let last = 0;
  let result = '';
  let fromFile = false;
  let whole = false;
  for (const match of text.matchAll(VARIABLE)) {
    const found = lookUp(match[1] ?? '', surroundings);
    if (found.kind === 'failed') failures.push({ offset: match.index, seen: found.seen, wanted: found.wanted });
    else result += text.slice(last, match.index) + found.text;
    fromFile ||= found.kind === 'file';
    whole = match[0].length === text.length;
    last = match.index + match[0].length;
  }
  if (failures.length > 0) return { kind: 'unresolved', failures };
  if (last === 0) return { kind: 'unchanged' };
  return { kind: 'replaced', text: result + text.slice(last), whole, fromFile };
}

type Found =
  | { readonly kind: 'env' | 'file'; readonly text: string }
  | { readonly kind: 'failed'; readonly seen: string; readonly wanted: string };

function lookUp(expression: string, { env, readFile }: Surroundings): Found {
  if (expression.startsWith('file:')) {
    try {
      return { kind: 'file', text: readFile(expression.slice('file:'.length)).replace(/\r?\n$/, '') };
    } catch (error) {
      const why = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
      return { kind: 'failed', seen: `\${${expression}}, which is unreadable${why}`, wanted: 'a readable file' };
    }
  }
  const [, name, fallback] = NAMED.exec(expression) ?? [];
  if (name === undefined) return { kind: 'failed', seen: 'a malformed variable', wanted: '${VAR}, ${VAR:-default} or ${file:/path}' };
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  if (fallback !== undefined) return { kind: 'env', text: value === undefined || value === '' ? fallback : value };
  if (value === undefined) return { kind: 'failed', seen: `\${${name}}, which is undefined`, wanted: `${name} in the environment, or a default: \${${name}:-default}` };
  return { kind: 'env', text: value };
}
