import * as fc from 'fast-check';
import { test } from 'tap';
import { canonicalText, withoutCacheControl } from '../../../src/prompt/canonical-text.ts';

test('two values have the same text exactly if they are equal', (t) => {
  const close = fc.constantFrom<unknown>(null, true, false, 0, -0, 1, 12, '', '1', 'a', 'null', '[]', '"1:a', [], [[]], [1, 2], [12], ['1', '2'], {}, { a: 1 }, { a: '1' }, { '': '' }, { a: { b: 1 } }, { a: {}, b: 1 });
  const value = fc.oneof(close, fc.jsonValue({ maxDepth: 3 }), fc.array(close, { maxLength: 3 }), fc.dictionary(fc.constantFrom('a', 'b', '1:', ''), close, { noNullPrototype: true }));
  fc.assert(
    fc.property(value, value, (a, b) => (canonicalText(a) === canonicalText(b)) === (sortedJson(a) === sortedJson(b))),
    { numRuns: 3_000 },
  );
  t.end();
});

/** The slow way. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => {
    if (typeof member !== 'object' || member === null) return member;
    if (Array.isArray(member)) return ['list', ...member];
    return ['object', ...Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1))];
  });
}

test('a key called __proto__ is a key', (t) => {
  t.not(canonicalText(JSON.parse('{"__proto__":{"a":1}}')), canonicalText({}));
  t.not(canonicalText(withoutCacheControl(JSON.parse('{"cache_control":1,"__proto__":{"a":1}}'))), canonicalText({}));
  t.end();
});
