import * as fc from 'fast-check';
import { test } from 'tap';
import { askUsage, replaceMember } from '../../../src/prompt/splice.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function spliced(body: string, model: string): string {
  return decoder.decode(replaceMember(encoder.encode(body), 'model', model));
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
  const after = replaceMember(body, 'model', 'long name');
  t.strictSame([...after.subarray(0, head.length + 4)], [...body.subarray(0, head.length + 4)]);
  t.equal(after.length, body.length + 'long name'.length - 1);
  t.end();
});

test('bytes that are no object come to an end', (t) => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...'{}[]",:\\ model'), { maxLength: 60 }), (chars) => {
      try {
        replaceMember(encoder.encode(chars.join('')), 'model', 'm');
        askUsage(encoder.encode(chars.join('')));
      } catch (error) {
        return error instanceof SyntaxError;
      }
      return true;
    }),
    { numRuns: 2_000 },
  );
  t.end();
});

function asked(body: string): string {
  return decoder.decode(askUsage(encoder.encode(body)));
}

test('usage is asked for where the options stand, and every other byte stays', (t) => {
  const cases: [string, string][] = [
    ['{"stream":true}', '{"stream_options":{"include_usage":true},"stream":true}'],
    [' { } ', ' {"stream_options":{"include_usage":true} } '],
    ['\uFEFF{ "n" : 1e0}\r\n', '\uFEFF{"stream_options":{"include_usage":true}, "n" : 1e0}\r\n'],
    ['{"stream_options": null ,"x":1}', '{"stream_options": {"include_usage":true} ,"x":1}'],
    ['{"stream_options":{"include_usage":false}}', '{"stream_options":{"include_usage":true}}'],
    ['{"stream_options": { "a":[{"include_usage":false}] ,\t"include_usage" : null\n}}', '{"stream_options": { "a":[{"include_usage":false}] ,\t"include_usage" : true\n}}'],
    ['{"stream_options":{"include_usage":false,"include_usage":null}}', '{"stream_options":{"include_usage":true,"include_usage":true}}'],
    ['{"stream_options":null,"stream_options":{"include_usage":false}}', '{"stream_options":{"include_usage":true},"stream_options":{"include_usage":true}}'],
    ['{"stream_\\u006fptions":{"include_u\\u0073age":false}}', '{"stream_\\u006fptions":{"include_u\\u0073age":true}}'],
    ['{"messages":[{"stream_options":null}],"stream_options":null}', '{"messages":[{"stream_options":null}],"stream_options":{"include_usage":true}}'],
    ['{"stream_options":{}}', '{"stream_options":{}}'],
  ];
  for (const [before, after] of cases) t.equal(asked(before), after);
  t.end();
});

test('any body reads afterwards as before, but for the wish', (t) => {
  const value = fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' });
  const key = fc.oneof(fc.string(), fc.constantFrom('stream', 'stream_option', 'include_usage', '"stream_options"', 'messages'));
  const rest = fc.dictionary(key, value, { noNullPrototype: true });
  const off = fc.constantFrom(false, null);
  const options = fc.oneof(fc.constant(null), fc.tuple(rest, off, rest).map(([before, each, after]) => ({ ...before, include_usage: each, ...without(after, 'include_usage') })));
  const body = fc.oneof(rest, fc.tuple(rest, options, rest).map(([before, each, after]) => ({ ...before, stream_options: each, ...after })));
  fc.assert(
    fc.property(body, fc.constantFrom(undefined, 1, '\t'), (given, indent) => {
      const before = JSON.stringify(given, null, indent);
      const after = asked(before);
      const read = JSON.parse(before) as { stream_options?: { include_usage: unknown } | null };
      // An inserted member stands in front.
      const expected = Object.hasOwn(read, 'stream_options') ? wished(read) : wished(JSON.parse(before === '{}' ? '{"stream_options":null}' : `{"stream_options":null,${before.slice(1)}`));
      return JSON.stringify(JSON.parse(after)) === JSON.stringify(expected) && after.length - before.length <= '"stream_options":{"include_usage":true},'.length;
    }),
    { numRuns: 1_000 },
  );
  t.end();
});

function wished<T extends { stream_options?: { include_usage: unknown } | null }>(body: T): T {
  if (body.stream_options) body.stream_options.include_usage = true;
  else body.stream_options = { include_usage: true };
  return body;
}

function without(record: Readonly<Record<string, unknown>>, key: string): object {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));
}
