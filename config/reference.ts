// reference.ts: every key with its default and meaning, as a file to copy from and as a table to read.
import { propertiesOf } from '../src/config/json-schema.ts';
import type { SchemaNode } from '../src/config/json-schema.ts';

const HEADER = `# Every key. A value is the default, unless its comment ends with "example]". What needs a file of yours is commented out.
# Made by generate.ts from src/config/schema.ts.
# yaml-language-server: $schema=warmroute.schema.json`;

export function reference(root: SchemaNode): string {
  return `${HEADER}\n${mapping(root, {}, 0, true).join('\n')}\n`;
}

/** Lines of one mapping. Absent keys stand with their default or, where there is none, an example. `live`: not within what is commented out. */
function mapping(node: SchemaNode, given: Fields, depth: number, commented: boolean, live = true): string[] {
  const indent = '  '.repeat(depth);
  return Object.entries(propertiesOf(node)).flatMap(([key, property]) => {
    const byDefault = property.default;
    const hasDefault = byDefault !== undefined && !(Array.isArray(byDefault) && byDefault.length === 0);
    const value = given[key] ?? (hasDefault ? byDefault : property.examples?.[0]) ?? {};
    const comment = commented ? [`${indent}# ${property.description ?? ''}${hasDefault ? '' : ` [${defaultText(node, key)}, example]`}`] : [];
    const space = depth === 0 && comment.length > 0 ? [''] : [];
    const isOut = live && !hasDefault && !requiredOf(node).includes(key) && needsFile(property);
    if (isOut && !commented) return [];
    const lines = entry(key, property, value, depth, commented && !isOut, live && !isOut);
    return [...space, ...comment, ...(isOut ? lines.map((line) => `${indent}# ${line.slice(indent.length)}`) : lines)];
  });
}

function needsFile(node: SchemaNode): boolean {
  const inside = [...Object.entries(propertiesOf(node)), ...(node.items === undefined ? [] : Object.entries(propertiesOf(node.items)))];
  return (node.examples ?? []).some((example) => JSON.stringify(example).includes('${file:')) || inside.some(([key, property]) => key.endsWith('_file') || needsFile(property));
}

function entry(key: string, property: SchemaNode, value: unknown, depth: number, commented: boolean, live: boolean): string[] {
  const indent = '  '.repeat(depth);
  if (Array.isArray(value)) return [`${indent}${key}:`, ...items(property.items, value, depth + 1, commented, live)];
  if (isFields(value)) return [`${indent}${key}:`, ...mapping(property, value, depth + 1, commented, live)];
  return [`${indent}${key}: ${scalar(value)}`];
}

/** Only the first mapping of a list has comments. */
function items(node: SchemaNode | undefined, list: readonly unknown[], depth: number, commented: boolean, live: boolean): string[] {
  const indent = '  '.repeat(depth);
  const firstMapping = list.findIndex(isFields);
  return list.flatMap((item, i) => {
    if (!isFields(item)) return [`${indent}- ${scalar(item)}`];
    const lines = mapping(node ?? {}, item, depth + 1, commented && i === firstMapping, live);
    return lines.map((line, at) => (at === 0 ? `${indent}- ${line.trimStart()}` : line));
  });
}

export function keyTable(root: SchemaNode): string {
  return ['| key | default | meaning |', '| --- | --- | --- |', ...rows(root, '')].join('\n').concat('\n');
}

function rows(node: SchemaNode, prefix: string): string[] {
  return Object.entries(propertiesOf(node)).flatMap(([key, property]) => {
    const name = `${prefix}${key}${property.items ? '[]' : ''}`;
    return [`| \`${name}\` | ${defaultText(node, key)} | ${property.description ?? ''} |`, ...rows(property.items ?? property, `${name}.`)];
  });
}

function defaultText(node: SchemaNode, key: string): string {
  const byDefault = propertiesOf(node)[key]?.default;
  if (byDefault === undefined) return requiredOf(node).includes(key) ? 'required' : 'none';
  if (Array.isArray(byDefault)) return byDefault.length === 0 ? 'empty' : `two: ${byDefault.map((item) => (isFields(item) ? scalar(item['name']) : '')).join(' and ')}`;
  return isFields(byDefault) ? '' : `\`${scalar(byDefault)}\``;
}

function requiredOf(node: SchemaNode): readonly string[] {
  return node.required ?? node.anyOf?.find((form) => form.properties)?.required ?? [];
}

/** Plain where YAML reads it back as the same text, else in quotes. */
function scalar(value: unknown): string {
  return typeof value === 'string' && !/^[A-Za-z/\d][\w./:+-]*$/.test(value) ? JSON.stringify(value) : String(value);
}

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
