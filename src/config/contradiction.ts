// contradiction.ts: what is wrong beyond a single key, and the parts of a file in which it is looked for.

export interface Contradiction {
  readonly path: (string | number)[];
  readonly seen: string;
  readonly wanted: string;
}

export type Fields = Readonly<Record<string, unknown>>;

export interface Item {
  readonly path: (string | number)[];
  readonly fields: Fields;
}

/** The mappings in a list; what is none is passed over. */
export function itemsOf(fields: Fields, key: string, path: Item['path']): Item[] {
  const list = fields[key];
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: unknown, i) => (isFields(item) ? [{ path: [...path, key, i], fields: item }] : []));
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
