// source.ts: the text of the file as data, with the way back from each value to its line and column.
import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Alias, Document, Node, Pair, Scalar } from 'yaml';
import { describeSeen, keyOf } from './problem.ts';
import type { Path, Position, Problem } from './problem.ts';
import { substitute } from './variables.ts';
import type { Surroundings } from './variables.ts';

export interface Source {
  readonly file: string;
  /** Undefined when the text is not YAML. */
  readonly data: unknown;
  /** Of the value at `path`, or of the innermost thing around it that the file does have. */
  readonly positionOf: (path: Path) => Position;
  /** Of the key itself, for a key that should not be there. */
  readonly positionOfKey: (path: Path) => Position;
  /** Paths (as `keyOf`) whose value came from a file and may be a secret. */
  readonly secrets: ReadonlySet<string>;
  readonly problems: readonly Problem[];
}

/** Never throws. An empty value (`key:` and nothing more) counts as a key that is not there, so its default applies. */
export function parseSource(text: string, file: string, surroundings: Surroundings): Source {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false, logLevel: 'error' });
  const at = (offset: number): Position => position(lines, offset);
  const problems = syntaxProblems(document, text).map(({ offset, seen, wanted }): Problem => ({ file, ...at(offset), key: '', seen, wanted }));
  const secrets = new Set<string>();
  const report = (offset: number, path: Path, seen: string, wanted: string): void => {
    problems.push({ file, ...at(offset), key: keyOf(path), seen, wanted });
  };
  const wellFormed = document.errors.length === 0;
  if (wellFormed) settle(document.contents, [], { document, surroundings, secrets, report, fromFile: new Set() });
  const data = wellFormed ? toData(document) : undefined;
  if (data === undefined && problems.length === 0) report(0, [], 'a file whose aliases go in circles or multiply', 'fewer aliases');
  return {
    file,
    data,
    positionOf: (path) => at(innermost(document, path).offset),
    positionOfKey: (path) => at(innermost(document, path).keyOffset),
    secrets,
    problems,
  };
}

/** To the library an empty text has no line; here it has one. */
function position(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

/** The first on each line: the parser stumbles on after a mistake, and what it then says misleads. */
function syntaxProblems({ errors, warnings }: Document.Parsed, text: string): { offset: number; seen: string; wanted: string }[] {
  const byLine = new Map<number, { offset: number; seen: string; wanted: string }>();
  for (const { message, pos } of [...errors, ...warnings]) {
    const offset = pos[0];
    const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
    const variable = /[{[,].*\$\{/.test(text.slice(lineStart, offset + 1));
    const wanted = variable ? 'block style around the variable, because in { } and [ ] its } ends the text' : 'valid YAML';
    if (!byLine.has(lineStart)) byLine.set(lineStart, { offset, seen: `not YAML (${withoutText(message)})`, wanted });
  }
  return [...byLine.values()];
}

/** The library's message without the text that it quotes after a colon: that could be part of a secret. */
function withoutText(message: string): string {
  return message.replace(/: .*$/s, '');
}

interface Settling {
  readonly document: Document.Parsed;
  readonly surroundings: Surroundings;
  readonly secrets: Set<string>;
  readonly report: (offset: number, path: Path, seen: string, wanted: string) => void;
  /** Scalars whose value came from a file: an alias to one is as secret. */
  readonly fromFile: Set<Scalar>;
}

/** Replaces variables in scalars, in place, and reports keys that stand twice. Does not follow aliases: their anchors are visited anyway. */
function settle(node: unknown, path: Path, settling: Settling): void {
  if (isAlias(node)) settleAlias(node, path, settling);
  if (isScalar(node)) settleScalar(node, path, settling);
  if (isSeq(node)) node.items.forEach((item, i) => settle(item, [...path, i], settling));
  if (!isMap(node)) return;
  const seen = new Set<string>();
  for (const pair of node.items) {
    const key = keyText(pair);
    if (seen.has(key)) settling.report(startOf(pair.key), [...path, key], 'a key that stands twice', 'it once');
    seen.add(key);
    settle(pair.value, [...path, key], settling);
  }
}

function settleAlias(alias: Alias, path: Path, { document, report, secrets, fromFile }: Settling): void {
  const anchored = alias.resolve(document);
  if (anchored === undefined) report(startOf(alias), path, 'an alias without an anchor', 'an anchor of that name before it');
  else if (isScalar(anchored) && fromFile.has(anchored)) secrets.add(keyOf(path));
}

function settleScalar(scalar: Scalar, path: Path, { surroundings, secrets, report, fromFile }: Settling): void {
  if (typeof scalar.value !== 'string') return;
  const substituted = substitute(scalar.value, surroundings);
  if (substituted.kind === 'unresolved') {
    for (const { offset, seen, wanted } of substituted.failures) report(startOf(scalar) + offsetInSource(scalar, offset), path, seen, wanted);
  }
  if (substituted.kind !== 'replaced') return;
  if (substituted.fromFile) {
    secrets.add(keyOf(path));
    fromFile.add(scalar);
  }
  const again = substituted.whole && scalar.type === 'PLAIN';
  scalar.value = again ? resolvePlain(substituted.text) : substituted.text;
}

/** Exact for text on one line without escapes; the beginning of a block (`|`, `>`), whose lines are indented. */
function offsetInSource({ type }: Scalar, offset: number): number {
  if (type === 'PLAIN') return offset;
  return type === 'QUOTE_DOUBLE' || type === 'QUOTE_SINGLE' ? offset + 1 : 0;
}

/** What a plain YAML scalar of this text would be: a number, a boolean, empty, or the text itself. Never a list or mapping. */
function resolvePlain(text: string): unknown {
  const node = parseDocument(text, { logLevel: 'silent' }).contents;
  if (node === null) return text.trim() === '' ? null : text;
  return isScalar(node) && node.type === 'PLAIN' && node.source === text ? node.value : text;
}

function toData(document: Document.Parsed): unknown {
  try {
    const data: unknown = document.toJS({ reviver: dropEmpty });
    return data ?? {};
  } catch {
    // Aliases without an anchor, which are reported, or that multiply beyond the library's limit.
    return undefined;
  }
}

function dropEmpty(this: unknown, _key: unknown, value: unknown): unknown {
  return value === null && !Array.isArray(this) ? undefined : value;
}

interface Place {
  readonly offset: number;
  readonly keyOffset: number;
}

function innermost(document: Document.Parsed, path: Path): Place {
  let node: unknown = document.contents;
  let place: Place = { offset: startOf(node), keyOffset: startOf(node) };
  for (const part of path) {
    const around: unknown = isAlias(node) ? node.resolve(document) : node;
    const child: unknown = isMap(around)
      ? around.items.findLast((pair) => keyText(pair) === String(part))
      : isSeq(around) && typeof part === 'number'
        ? around.items[part]
        : undefined;
    if (child === undefined) return place;
    node = isPair(child) ? child.value : child;
    const keyOffset = startOf(isPair(child) ? child.key : child);
    place = { keyOffset, offset: isNodeWithRange(node) ? startOf(node) : keyOffset };
  }
  return place;
}

function keyText(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : describeSeen(pair.key);
}

function startOf(node: unknown): number {
  return isNodeWithRange(node) ? node.range[0] : 0;
}

function isNodeWithRange(node: unknown): node is Node & { range: [number, number, number] } {
  return (isScalar(node) || isMap(node) || isSeq(node) || isAlias(node)) && Array.isArray(node.range);
}
