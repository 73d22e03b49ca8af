import * as fc from 'fast-check';
import { test } from 'tap';
import { JsonLimits } from '../../../src/prompt/json-limits.ts';
import { readText } from './reading.ts';

const limits = new JsonLimits(7);
const encoder = new TextEncoder();

/** The message of the refusal, or undefined where there is none. */
function refusal(body: string): string | undefined {
  try {
    limits.check(encoder.encode(body));
  } catch (error) {
    return (error as Error).message;
  }
  return undefined;
}

const list = (item: string, count: number): string => `[${Array.from({ length: count }, () => item).join(',')}]`;
const named = (count: number): string => `{${Array.from({ length: count }, (_, i) => `"k${i}":1`).join(',')}}`;
const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

test('each limit holds to the last, and the message says which and where', (t) => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    [`{"a":${nested(63)}}`, `{"a":${nested(64)}}`, /^The body is nested deeper than 64 levels, at byte 68$/],
    [`{"a":[${named(9_999)}]}`, `{"a":[${named(10_000)}]}`, /^The body has more than 10000 different names in its objects, at byte \d+$/],
    [list('""', 99_999), list('""', 100_000), /^The body has more than 100000 values besides token ids, at byte 299998$/],
    [list('null', 99_999), list('null', 100_000), /100000 values/],
    [list('[]', 99_999), list('{}', 100_000), /100000 values/],
    [`{"messages":${list('1', 99_998)}}`, `{"messages":${list('1', 99_999)}}`, /100000 values/],
    [`{"prompt":["x",${list('1', 99_996)}]}`, `{"prompt":["x",${list('1', 99_997)}]}`, /100000 values/],
    [`{"prompt":[[["x"],${list('1', 99_994)}]]}`, `{"prompt":[[["x"],${list('1', 99_995)}]]}`, /100000 values/],
    [`{"prompt":${list('1', 4_000_001)}}`, `{"prompt":${list('1', 4_000_002)}}`, /^The body has more than 4000000 token ids/],
    [`{"n":${'1'.repeat(1_024)}}`, `{"n":${'1'.repeat(1_025)}}`, /^The body has a number longer than 1024 bytes, at byte 5$/],
    [`{"prompt":[1,${'1'.repeat(1_024)}]}`, `{"prompt":[1,${'1'.repeat(1_025)},1]}`, /1024 bytes, at byte 13$/],
  ];
  for (const [at, over, message] of cases) {
    t.equal(refusal(at), undefined, at.slice(0, 30));
    t.match(refusal(over), message, over.slice(0, 30));
  }
  t.end();
});

test('a list of lists of token ids counts its lists alone, and names that come again count once', (t) => {
  t.equal(refusal(`{"prompt":${list(list('7', 1_000), 1_024)}}`), undefined);
  t.equal(refusal(`{"messages":${list('{"role":"user","content":"x"}', 33_000)}}`), undefined);
  t.equal(refusal(`{"allowed_token_ids":${list('151643', 151_643)}}`), undefined);
  t.match(refusal(`{"prompt":[[1],${list('1', 10).slice(1, -1)}],"x":${list('1', 99_987)}}`), /values/, 'numbers behind a list are no ids');
  t.end();
});

test('a second model is refused however it is spelled, and one in an inner object is not', (t) => {
  for (const second of ['"model"', '"mod\\u0065l"', '"\\u006d\\u006f\\u0064\\u0065\\u006c"']) {
    t.throws(() => limits.check(encoder.encode(`{"model":"a", ${second}:"b"}`)), { status: 400, param: 'model', message: "The body has 'model' twice: the second is at byte 14" });
  }
  for (const body of ['{"model":"a","x":{"model":"b"},"y":["model","model"]}', '{"model":"model","n":"model"}', '{"model":1,"Model":2,"model ":3,"\\"model\\"":4}']) t.equal(refusal(body), undefined);
  t.match(refusal('\uFEFF{"model":1,"model":2}'), /twice/);
  t.end();
});

/** A naive reading: what the parser made of it, walked. */
function naive(value: unknown, depth = 1): { depth: number; values: number; names: Set<string> } {
  const all = { depth: 0, values: 1, names: new Set<string>() };
  if (typeof value !== 'object' || value === null) return all;
  all.depth = depth;
  for (const [name, inner] of Object.entries(value)) {
    if (!Array.isArray(value)) all.names.add(name);
    const of = naive(inner, depth + 1);
    all.depth = Math.max(all.depth, of.depth);
    all.values += of.values;
    for (const each of of.names) all.names.add(each);
  }
  return all;
}

test('any JSON is let through or refused as a naive walk over what a parser makes of it says', (t) => {
  const part = fc.oneof(fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' }), fc.string({ unit: fc.constantFrom('"', '\\', 'x', '\n', '{', '[', ','), maxLength: 120 }));
  fc.assert(
    fc.property(part, fc.nat(70), fc.nat(3), fc.nat(3), fc.constantFrom(undefined, 1, '\t'), (value, levels, values, names, indent) => {
      let deep: unknown = value;
      for (let i = 0; i < levels; i += 1) deep = [deep];
      const body = { value, deep, many: Array.from({ length: values }, () => 33_333).flatMap((count) => Array.from({ length: count }, () => 0)), names: Array.from({ length: names * 3_333 }, (_, i) => ({ [`n${i}`]: null })) };
      const { depth, values: count, names: different } = naive(body);
      return (refusal(JSON.stringify(body, null, indent)) === undefined) === (depth <= 64 && count <= 100_000 && different.size <= 10_000);
    }),
    { numRuns: 150 },
  );
  t.end();
});

test('a name that JavaScript gives a meaning to is a name like any other', (t) => {
  const facts = readText('chat', '{"__proto__":{"model":"evil","stream":true},"constructor":{"prototype":{"polluted":1}},"model":"m","tools":[{"__proto__":{"x":1},"cache_control":1}]}');
  t.match(facts, { model: 'm', stream: false });
  t.notOk('polluted' in {});
  t.end();
});
