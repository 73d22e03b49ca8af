// editor-schema.ts: the schema as an editor needs it: it sees the file before variables are substituted and empty values dropped.
import type { SchemaNode } from '../src/config/json-schema.ts';

const VARIABLE = { type: 'string', pattern: String.raw`\$\{[^}]*\}` };

export function editorSchema(root: SchemaNode): SchemaNode {
  return { ...widen(root), title: 'warmroute configuration' } as SchemaNode;
}

/** Allows a variable wherever a scalar may stand. */
function widen(node: SchemaNode): SchemaNode {
  if (node.properties) {
    const required = node.required ?? [];
    const properties = Object.entries(node.properties).map(([key, property]) => [key, required.includes(key) ? widen(property) : orEmpty(widen(property))]);
    return { ...node, properties: Object.fromEntries(properties) as SchemaNode['properties'] & {} };
  }
  if (node.items) return { ...node, items: widen(node.items) };
  if (node.anyOf) {
    const hasScalar = node.anyOf.some((form) => !form.properties);
    return { ...node, anyOf: [...node.anyOf.map((form) => (form.properties ? widen(form) : form)), ...(hasScalar ? [VARIABLE] : [])] };
  }
  return forms(node, VARIABLE);
}

/** An empty value stands for the default. */
function orEmpty(node: SchemaNode): SchemaNode {
  return forms(node, { type: 'null' });
}

/** `node` or `other`, with what describes `node` kept outside. */
function forms(node: SchemaNode, other: SchemaNode): SchemaNode {
  const { description, default: byDefault, examples, writeOnly, ...form } = node;
  const outside = Object.entries({ description, default: byDefault, examples, writeOnly }).filter(([, value]) => value !== undefined);
  const anyOf = form.anyOf && Object.keys(form).length === 1 ? [...form.anyOf, other] : [form, other];
  return { ...(Object.fromEntries(outside) as SchemaNode), anyOf };
}
