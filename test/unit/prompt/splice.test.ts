import * as fc from 'fast-check';
import { test } from 'tap';
import { replaceModel } from '../../../src/prompt/splice.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function spliced(body: string, model: string): string {
  return decoder.decode(replaceModel(encoder.encode(body), model));
}

test('the model is replaced where it stands and every other byte stays', (t) => {
  const cases: [string, string][] = [
    ['{"model":"a","n":1}', '{"model":"B","n":1}'],
    ['{ "n" : 1e2 ,\n\t"model" :  "a" }\r\n', '{ "n" : 1e2 ,\n\t"model" :  "B" }\r\n'],
    ['{"model":null}', '{"model":"B"}'],
    ['{"model":"" ,"x":[]}', '{"model":"B" ,"x":[]}'],
    ['{"model":"a\\"}","x":"\\\\"}', '{"model":"B","x":"\\\\"}'],
    ['{"model":"a","model":"b"}', '{"model":"B","model":"B"}'],
    ['{"mod\\u0065l":"a"}', '{"mod\\u0065l":"B"}'],
    ['{"\\u006d\\u006F\\u0064\\u0065\\u006c":"a"}', '{"\\u006d\\u006F\\u0064\\u0065\\u006c":"B"}'],
    ['\uFEFF{"model":"a"}', '\uFEFF{"model":"B"}'],
    ['{"x":{"model":1},"y":[{"model":2}],"z":"\\"model\\":3"}', '{"model":"B","x":{"model":1},"y":[{"model":2}],"z":"\\"model\\":3"}'],
    ['{}', '{"model":"B"}'],
    [' { } ', ' {"model":"B" } '],
    ['{ "Model":"a"}', '{"model":"B", "Model":"a"}'],
  ];
  for (const [before, after] of cases) t.equal(spliced(before, 'B'), after);
  t.end();
});

test('any body reads afterwards as before, but for its model', (t) => {
  const value = fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' });
  const key = fc.oneof(fc.string(), fc.constantFrom('model', 'models', '"model"', 'messages'));
  fc.assert(
    fc.property(fc.dictionary(key, value, { noNullPrototype: true }), fc.string({ unit: 'binary' }), fc.constantFrom(undefined, 1, '\t'), (body, model, indent) => {
      const name = model.toWellFormed();
      const before = JSON.stringify(body, null, indent);
      const after: unknown = JSON.parse(spliced(before, name));
      // Text against text: `__proto__` is an own key here, and order counts.
      const expected = Object.hasOwn(body, 'model') ? replaced(before, name) : before === '{}' ? { model: name } : replaced(`{"model":0,${before.slice(1)}`, name);
      return JSON.stringify(after) === JSON.stringify(expected);
    }),
    { numRuns: 1_000 },
  );
  t.end();
});

function replaced(body: string, model: string): unknown {
  const value = JSON.parse(body) as { model: string };
  value.model = model;
  return value;
}

test('what was not spliced is the same bytes, be they valid text or not', (t) => {
  const head = encoder.encode('{"x":"');
  const body = new Uint8Array([...head, 0xff, 0xc3, 0x80, 0x00, ...encoder.encode('","model":"a"}')]);
  const after = replaceModel(body, 'long name');
  t.strictSame([...after.subarray(0, head.length + 4)], [...body.subarray(0, head.length + 4)]);
  t.equal(after.length, body.length + 'long name'.length - 1);
  t.end();
});

test('bytes that are no object come to an end', (t) => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...'{}[]",:\\ model'), { maxLength: 60 }), (chars) => {
      try {
        replaceModel(encoder.encode(chars.join('')), 'm');
      } catch (error) {
        return error instanceof SyntaxError;
      }
      return true;
    }),
    { numRuns: 2_000 },
  );
  t.end();
});
