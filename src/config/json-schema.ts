// json-schema.ts: the schema as plain data, for whatever asks about keys rather than values.
import { z } from 'zod';
import type { Path } from './problem.ts';
import { configSchema } from './schema.ts';

/** The part of JSON Schema (draft 2020-12) that zod makes of our schema. */
export interface SchemaNode {
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly type?: string;
  readonly writeOnly?: boolean;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
}

export const jsonSchema = z.toJSONSchema(configSchema, { io: 'input' }) as SchemaNode;

/** The key at `path`, or undefined where the schema has no such key. */
export function nodeAt(root: SchemaNode, path: Path): SchemaNode | undefined {
  let node: SchemaNode | undefined = root;
  for (const part of path) {
    node = typeof part === 'number' ? node?.items : propertiesOf(node)[String(part)];
  }
  return node;
}

/** Of a mapping, or of the mapping among several forms. */
export function propertiesOf(node: SchemaNode | undefined): Readonly<Record<string, SchemaNode>> {
  return node?.properties ?? node?.anyOf?.find((form) => form.properties)?.properties ?? {};
}

/** Whether a secret belongs here or somewhere below: where it stands in the place of what should hold it, it is one all the same. */
export function holdsSecret(node: SchemaNode | undefined): boolean {
  if (node === undefined) return false;
  return node.writeOnly === true || holdsSecret(node.items) || Object.values(propertiesOf(node)).some(holdsSecret);
}

/** `value` with the defaults of absent keys filled in, however wrong the rest of it is. */
export function withDefaults(node: SchemaNode | undefined, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => withDefaults(node?.items, item));
  if (typeof value !== 'object' || value === null) return value;
  const filled: Record<string, unknown> = { ...value };
  for (const [key, property] of Object.entries(propertiesOf(node))) {
    const given = filled[key] ?? property.default;
    if (given !== undefined) filled[key] = withDefaults(property, given);
  }
  return filled;
}
