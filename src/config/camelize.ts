// camelize.ts: from the file's snake_case to the code's camelCase, for types and values alike.

type CamelKey<K> = K extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<CamelKey<Tail>>}` : K;

/** `T` with camelCase keys, read-only all the way down. */
export type Camelize<T> = T extends readonly (infer Item)[]
  ? readonly Camelize<Item>[]
  : T extends object
    ? { readonly [K in keyof T as CamelKey<K>]: Camelize<T[K]> }
    : T;

/** A frozen copy with camelCase keys. A key whose value is undefined is left out. */
export function camelize<T>(value: T): Camelize<T> {
  return copy(value) as Camelize<T>;
}

function copy(value: unknown): unknown {
  if (Array.isArray(value)) return Object.freeze(value.map(copy));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.freeze(Object.fromEntries(entries.map(([key, item]) => [camelKey(key), copy(item)])));
}

function camelKey(key: string): string {
  return key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
