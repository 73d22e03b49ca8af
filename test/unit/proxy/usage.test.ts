// What engines say of the work an answer took, in each API's words.

import * as fc from 'fast-check';
import { test } from 'tap';
import { findUsage } from '../../../src/proxy/usage.ts';

const find = (text: string): unknown => findUsage(Buffer.from(text).toString('latin1'));

test('each API tells prompt, completion and cached tokens in its own words', (t) => {
  t.same(find('{"usage":{"prompt_tokens":10,"total_tokens":13,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":4}}}'), { promptTokens: 10, completionTokens: 3, cachedTokens: 4 });
  t.same(find('{"usage": {"prompt_tokens": 10, "completion_tokens": 3, "prompt_tokens_details": null}}'), { promptTokens: 10, completionTokens: 3, cachedTokens: undefined });
  t.same(find('{"usage":{"input_tokens":10,"output_tokens":3,"input_tokens_details":{"cached_tokens":0}}}'), { promptTokens: 10, completionTokens: 3, cachedTokens: 0 });
  t.same(find('{"usage":{"input_tokens":2,"cache_read_input_tokens":7,"cache_creation_input_tokens":1,"output_tokens":3}}'), { promptTokens: 10, completionTokens: 3, cachedTokens: 7 }, "Anthropic's input leaves out what the cache did");
  t.end();
});

test('the last usage counts, and what is none is passed over', (t) => {
  const two = '{"usage":{"prompt_tokens":1}} {"usage":{"prompt_tokens":2}} {"usage":null} {"usage":{"other":1}}';
  t.match(find(two), { promptTokens: 2 });
  for (const none of ['', '{}', '{"usage":null}', '{"usage":', '{"usage":{', '{"usage":{"prompt_tokens":"9"}}', '{"usage":{"prompt_tokens":-1}}', '"usage":']) t.equal(find(none), undefined, none);
  t.end();
});

test('generated text that looks like a usage is never taken for one', (t) => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (before, after) => {
      const content = `${before}"usage":{"prompt_tokens":999}${after}`;
      return find(JSON.stringify({ choices: [{ message: { content } }] })) === undefined;
    }),
  );
  t.match(find(JSON.stringify({ usage: { prompt_tokens: 5 }, choices: [{ message: { content: '"usage":{"prompt_tokens":999}' } }] })), { promptTokens: 5 });
  t.end();
});

test('a megabyte of what begins like a usage is passed over in the time that it takes to read', (t) => {
  const startMs = performance.now();
  t.equal(find('"usage":null,'.repeat(100_000)), undefined);
  const tookMs = performance.now() - startMs;
  t.ok(tookMs < 2_000, `${tookMs} ms`);
  t.end();
});

test('a usage is what a parser reads in it, whatever else stands there and in whatever order', (t) => {
  const tokens = fc.oneof(fc.nat(100_000_001), fc.constant(null), fc.constant(-1));
  const rest = { total_tokens: tokens, completion_tokens_details: fc.constantFrom(null, { reasoning_tokens: 7 }), output_tokens_details: fc.constant({ tool_output_tokens: 8, output_tokens_per_turn: [1, 2] }) };
  const details = fc.oneof(fc.constant(null), fc.record({ cached_tokens: tokens, created_cache_tokens: tokens, cached_tokens_per_turn: fc.constant([3]) }, { requiredKeys: [] }));
  const shapes = [
    { prompt_tokens: tokens, completion_tokens: tokens, prompt_tokens_details: details },
    { input_tokens: tokens, output_tokens: tokens, input_tokens_details: details },
    { input_tokens: tokens, output_tokens: tokens, cache_read_input_tokens: tokens, cache_creation_input_tokens: tokens, cache_creation: fc.constant({ ephemeral_5m_input_tokens: 9 }) },
  ];
  const usage = fc.oneof(...shapes.map((shape) => fc.record<Record<string, unknown>>({ ...shape, ...rest }, { requiredKeys: [] })));
  const shuffled = usage.chain((value) => fc.shuffledSubarray(Object.entries(value), { minLength: Object.keys(value).length })).map((entries) => Object.fromEntries(entries));
  fc.assert(
    fc.property(shuffled, fc.constantFrom(0, 1), (value, space) => {
      const text = JSON.stringify({ choices: [{ text: '"usage":{' }], usage: value }, null, space);
      t.same(find(text), naive(value), text);
    }),
    { numRuns: 1_000 },
  );
  t.end();
});

type Counts = Readonly<Record<string, unknown>>;

function naive(usage: Counts): unknown {
  const count = (of: unknown, name: string): number | undefined => {
    const value = (of as Counts | null | undefined)?.[name];
    return typeof value === 'number' && value >= 0 && value <= 100_000_000 ? value : undefined;
  };
  const prompt = count(usage, 'prompt_tokens');
  if (prompt !== undefined) return { promptTokens: prompt, completionTokens: count(usage, 'completion_tokens') ?? 0, cachedTokens: count(usage['prompt_tokens_details'], 'cached_tokens') };
  const input = count(usage, 'input_tokens');
  if (input === undefined) return undefined;
  const completionTokens = count(usage, 'output_tokens') ?? 0;
  const details = usage['input_tokens_details'];
  if (details !== undefined && details !== null) return { promptTokens: input, completionTokens, cachedTokens: count(details, 'cached_tokens') };
  const [read, created] = [count(usage, 'cache_read_input_tokens'), count(usage, 'cache_creation_input_tokens')];
  return { promptTokens: input + (read ?? 0) + (created ?? 0), completionTokens, cachedTokens: read };
}
