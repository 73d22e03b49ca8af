// What engines say of the work an answer took, in each API's words.

import * as fc from 'fast-check';
import { test } from 'tap';
import { findUsage } from '../../../src/proxy/usage.ts';

const find = (text: string): unknown => findUsage(Buffer.from(text));

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
