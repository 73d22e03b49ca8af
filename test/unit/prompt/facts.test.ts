import { test } from 'tap';
import type { Surface } from '../../../src/core/request.ts';
import { RequestError } from '../../../src/core/errors.ts';
import { createPromptReader } from '../../../src/prompt/read.ts';
import { isSame, read, readText } from './reading.ts';

function deep(levels: number): string {
  return `${'['.repeat(levels)}${']'.repeat(levels)}`;
}

const SURFACES: readonly Surface[] = ['chat', 'completions', 'responses', 'messages'];

test('a body that is not a JSON object is refused, with the place and none of its text', (t) => {
  const refusals: [string, string][] = [
    ['{"model": secret}', 'The body is not valid JSON: error at line 1, column 11'],
    ['{\n  "model": "m",\n  "n": 01\n}', 'The body is not valid JSON: error at line 3, column 8'],
    ['{"model": "m"', 'The body is not valid JSON: it ends too early'],
    ['', 'The body is not valid JSON: it ends too early'],
    ['[]', 'The body must be a JSON object: it is a list'],
    ['"x"', 'The body must be a JSON object: it is a string'],
    ['null', 'The body must be a JSON object: it is null'],
  ];
  for (const [body, message] of refusals) {
    t.throws(() => readText('chat', body), new RequestError(400, message), body);
  }
  t.end();
});

test('a model that is not a string is refused on each surface', (t) => {
  for (const surface of SURFACES) {
    for (const model of [12, true, {}, ['m']]) {
      t.throws(() => read(surface, { model }), { name: 'RequestError', status: 400, param: 'model' });
    }
  }
  t.throws(() => read('chat', { model: 12 }), { message: "'model' must be a string: it is a number" });
  t.end();
});

test('no model, null and the empty string are all no model', (t) => {
  for (const body of [{}, { model: null }, { model: '' }]) t.equal(read('chat', body).model, '');
  t.equal(read('chat', { model: '/model/qwen' }).model, '/model/qwen');
  t.end();
});

test('whatever else is odd is left to the engine', (t) => {
  const odd = [null, 0, '', 'text', [], [null], [[[]]], [1, 'a', {}], {}, { a: { b: [1] } }, true];
  const fields = ['messages', 'prompt', 'input', 'instructions', 'system', 'tools', 'documents', 'cache_salt', 'n', 'stream', 'chat_template_kwargs', 'reasoning', 'output_config', 'prompt_embeds'];
  for (const surface of SURFACES) {
    for (const field of fields) for (const value of odd) t.equal(read(surface, { [field]: value }).kind, 'generation');
    for (const value of odd) {
      for (const message of [value, { role: value, content: value, tool_calls: value, tool_call_id: value, reasoning: value }, { role: 'user', content: [value, { type: 'text', text: value }] }]) {
        t.equal(read(surface, { messages: [message], input: [message], prompt: [message] }).kind, 'generation');
      }
    }
  }
  t.equal(read('chat', { model: 'm' }).prompts[0].length, 0);
  t.end();
});

test('only true streams', (t) => {
  t.ok(read('chat', { stream: true }).stream);
  for (const stream of [false, null, 1, 'true']) t.notOk(read('chat', { stream }).stream);
  t.end();
});

test('weight is the number of sequences, and one where n is nonsense', (t) => {
  t.equal(read('chat', { n: 5 }).weight, 5);
  for (const n of [0, -1, 1.5, '3', null, 1e300, 16_385]) t.equal(read('chat', { n }).weight, 1);
  t.end();
});

test('an answer teaches only about a whole prompt that may come from the cache', (t) => {
  t.ok(read('chat', { prompt_logprobs: null, echo: true, logprobs: null }).teaches);
  t.ok(read('completions', { prompt: 'x', logprobs: 3 }).teaches);
  t.notOk(read('chat', { prompt_logprobs: 0 }).teaches);
  t.notOk(read('completions', { prompt: 'x', echo: true, logprobs: 0 }).teaches);
  t.notOk(read('chat', { truncate_prompt_tokens: 100 }).teaches);
  t.end();
});

test('nesting beyond 64 levels is refused wherever it stands', (t) => {
  for (const [surface, body] of [
    ['chat', `{"tools":[{"x":${deep(100_000)}}]}`],
    ['chat', `{"messages":[{"role":"user","content":[${deep(65)}]}]}`],
    ['chat', `{"messages":${deep(70)}}`],
    ['chat', `{"chat_template_kwargs":{"x":${deep(64)}}}`],
    ['completions', `{"prompt":${deep(100_000)}}`],
    ['responses', `{"input":${deep(100_000)}}`],
    ['messages', `{"messages":[{"role":"assistant","content":[{"type":"tool_use","input":${deep(100_000)}}]}]}`],
    ['chat', `{"metadata":${deep(64)}}`],
    ['completions', `{"prompt":[1,${deep(100_000)}]}`],
  ] as const) {
    t.throws(() => readText(surface, body), { name: 'RequestError', status: 400, message: /nested deeper than 64 levels, at byte \d+$/ });
  }
  t.equal(readText('chat', `{"metadata":${deep(63)}}`).kind, 'generation');
  t.equal(readText('chat', `{"chat_template_kwargs":{"x":${deep(60)}}}`).kind, 'generation');
  t.end();
});

test('an error in one request leaves no trace in the next', (t) => {
  const body = { messages: [{ role: 'user', content: 'x'.repeat(10_000) }] };
  const before = read('chat', body).prompts[0];
  const copy = { ...before, hashes: before.hashes.slice(), ends: before.ends.slice() };
  t.throws(() => readText('chat', `{"messages":[{"role":"assistant","content":"${'y'.repeat(200_000)}"},{"content":[${'['.repeat(99)}${']'.repeat(99)}]}]}`));
  t.ok(isSame(read('chat', body).prompts[0], copy));
  t.ok(isSame(before, copy));
  t.end();
});

test('another secret gives other hashes', (t) => {
  const body = new TextEncoder().encode('{"messages":[{"role":"user","content":"x"}]}');
  const chains = [new Uint8Array(0), new Uint8Array(32), new Uint8Array(32).fill(1), new Uint8Array(300)].map((secret) => createPromptReader({ secret }).read('chat', body).prompts[0]);
  t.equal(new Set(chains.map(({ hashes }) => hashes.join())).size, 4);
  t.end();
});
