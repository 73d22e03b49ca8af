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

test('a megabyte of what begins like a usage holds nobody up', (t) => {
  for (const begun of ['"usage":null,', '"usage":{', '"usage":{"x":[{}]},']) {
    const text = begun.repeat(100_000);
    const startMs = performance.now();
    t.equal(find(text), undefined);
    const tookMs = performance.now() - startMs;
    t.ok(tookMs < 300, `${begun}: ${tookMs} ms`);
  }
  t.end();
});

test('a count is taken from where its API has it, and from nowhere else', (t) => {
  t.same(find('{"usage":{"iterations":[{"input_tokens":3,"output_tokens":2}],"input_tokens":10,"output_tokens":7}}'), { promptTokens: 10, completionTokens: 7, cachedTokens: undefined });
  t.same(find('{"usage":{"completion_tokens_details":{"cached_tokens":3},"prompt_tokens":10,"prompt_tokens_details":null}}'), { promptTokens: 10, completionTokens: 0, cachedTokens: undefined });
  t.same(find('{"usage":{"prompt_tokens" :\n1e1}}'), { promptTokens: 10, completionTokens: 0, cachedTokens: undefined });
  t.end();
});
