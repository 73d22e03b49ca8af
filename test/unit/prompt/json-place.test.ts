import * as fc from 'fast-check';
import { test } from 'tap';
import { findJsonError } from '../../../src/prompt/json-place.ts';

test('the place is the first character that cannot belong', (t) => {
  const places: [string, number][] = [
    ['{"a":}', 5],
    ['{"a" 1}', 5],
    ['{"a":1,}', 7],
    ['[1,]', 3],
    ['[1 2]', 3],
    ['{a:1}', 1],
    ['{"a":tru}', 5],
    ['{"a":"\n"}', 6],
    ['{"a":"\\x"}', 6],
    ['{"a":1}}', 7],
    ['[1}', 2],
    ['[-]', 1],
    ['NaN', 0],
    ['{"a":"', 6],
    ['', 0],
    ['[', 1],
  ];
  for (const [text, place] of places) t.equal(findJsonError(text), place, text);
  t.end();
});

test('there is a place exactly where JSON.parse throws', (t) => {
  const broken = fc.tuple(fc.json(), fc.nat(), fc.constantFrom('', '"', '\\', '{', '}', '[', ']', ',', ':', '1', '-', '.', 'e', ' ', 'x', '\u0001', '\u007f')).map(([json, at, char]) => {
    const place = at % (json.length + 1);
    return json.slice(0, place) + char + json.slice(place + 1);
  });
  fc.assert(
    fc.property(broken, (text) => {
      let parses = true;
      try {
        JSON.parse(text);
      } catch {
        parses = false;
      }
      return (findJsonError(text) === undefined) === parses;
    }),
    { numRuns: 5_000 },
  );
  t.end();
});

test('what would take long to search has no place', (t) => {
  t.equal(findJsonError('['.repeat(2_000)), undefined);
  t.equal(findJsonError(`[${'1,'.repeat(200_000)}]`), undefined);
  t.end();
});
