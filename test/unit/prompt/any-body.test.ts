// any-body.test.ts: whatever a body holds, each reader answers with facts or with a clear refusal, and what is spliced into it says what it should.
import * as fc from 'fast-check';
import { test } from 'tap';
import { RequestError } from '../../../src/core/errors.ts';
import type { Surface } from '../../../src/core/request.ts';
import { createPromptReader } from '../../../src/prompt/read.ts';
import { askUsage, replaceMember } from '../../../src/prompt/splice.ts';

const SURFACES: readonly Surface[] = ['chat', 'completions', 'responses', 'messages'];
const reader = createPromptReader({ secret: new Uint8Array(32).fill(3) });
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

const token = fc.constantFrom(...'{}[],:"\\ \n', '"model"', '"messages"', '"prompt"', '"cache_salt"', '"content":', '"a"', '1', '-', '1e999', 'true', 'null', '\\u00', '\u0000', '\uFEFF', '"__proto__":', '{"role":"user","content":"x"}');
/** Text that is nearly JSON, and bytes that are nearly text. */
const wild = fc.oneof(
  fc.array(token, { maxLength: 60 }).map((tokens) => encoder.encode(tokens.join(''))),
  fc.array(token, { maxLength: 40 }).map((tokens) => encoder.encode(`{"model":"m",${tokens.join('')}}`)),
  fc.uint8Array({ maxLength: 60 }),
);

const leaf = fc.oneof(fc.jsonValue({ maxDepth: 2, stringUnit: 'binary' }), fc.constantFrom('user', 'assistant', 'text', 'tool_use', 'tool_result', 'function_call', 'reasoning', 'x'.repeat(70_000), '\uD800', 1e21, -0));
const member = fc.constantFrom(
  'role', 'content', 'type', 'text', 'tool_calls', 'function', 'name', 'arguments', 'id', 'input', 'thinking', 'summary', 'output', 'tool_use_id', 'call_id', 'refusal', 'cache_control', 'reasoning', 'reasoning_content', '__proto__', 'constructor', 'toString', 'length',
);
const part = fc.dictionary(member, fc.oneof(leaf, fc.array(fc.dictionary(member, leaf, { noNullPrototype: true }), { maxLength: 3 })), { noNullPrototype: true });
const topLevel = fc.constantFrom(
  'model', 'messages', 'prompt', 'input', 'system', 'instructions', 'tools', 'documents', 'stream', 'n', 'stream_options', 'cache_salt', 'chat_template_kwargs', 'previous_response_id', 'prompt_embeds', 'reasoning', 'output_config', 'echo', 'logprobs', 'continue_final_message', '__proto__', 'constructor',
);
/** The right names with the wrong things under them. */
const shaped = fc.dictionary(topLevel, fc.oneof(leaf, part, fc.array(fc.oneof(part, leaf), { maxLength: 5 })), { noNullPrototype: true }).map((body) => encoder.encode(JSON.stringify(body)));

/** Whether it is one of the two that may be. Anything else that is thrown is a crash. */
function answers(surface: Surface, body: Uint8Array): 'facts' | 'refused' {
  try {
    const { prompts, model, weight, openingBlocks } = reader.read(surface, body, 'tenant');
    const isWhole = prompts.every(({ length, hashes, ends }) => hashes.length === 2 * length && ends.every((end, i) => end >= (ends[i - 1] ?? 0)));
    if (!isWhole || typeof model !== 'string' || !(weight >= 1) || openingBlocks > prompts[0].length) throw new Error('facts that are none');
    return 'facts';
  } catch (error) {
    if (error instanceof RequestError && error.status === 400 && error.message.length < 200 && !error.message.includes('undefined')) return 'refused';
    throw error;
  }
}

test('any bytes are facts or a refusal, alike for each API, and what is no JSON is refused', (t) => {
  fc.assert(
    fc.property(wild, (body) => {
      const said = new Set(SURFACES.map((surface) => answers(surface, body)));
      return said.size === 1 && (said.has('refused') || isObject(body));
    }),
    { numRuns: 5_000 },
  );
  t.end();
});

function isObject(body: Uint8Array): boolean {
  const value: unknown = JSON.parse(new TextDecoder().decode(body));
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

test('any object with the names that the APIs know is read, unless its model is no string', (t) => {
  let read = 0;
  fc.assert(
    fc.property(shaped, fc.constantFrom(...SURFACES), (body, surface) => {
      const { model } = JSON.parse(decoder.decode(body)) as { model?: unknown };
      const isRead = answers(surface, body) === 'facts';
      if (isRead) read += 1;
      return isRead === (model === undefined || model === null || typeof model === 'string');
    }),
    { numRuns: 1_000 },
  );
  t.ok(read > 500, `${read} of 1,000 were read`);
  t.end();
});

test('what was read can be spliced: it says the new values and is otherwise the same', (t) => {
  fc.assert(
    fc.property(fc.oneof(wild, shaped), (body) => {
      if (answers('chat', body) === 'refused') return true;
      const before = JSON.parse(new TextDecoder().decode(body)) as Record<string, unknown>;
      const after = JSON.parse(new TextDecoder().decode(askUsage(replaceMember(replaceMember(body, 'cache_salt', 'salt'), 'model', 'other')))) as Record<string, unknown>;
      const { model, cache_salt: salt, stream_options: options, ...rest } = after;
      const { model: _model, cache_salt: _salt, stream_options: _options, ...restBefore } = before;
      return model === 'other' && salt === 'salt' && options !== null && options !== undefined && JSON.stringify(rest) === JSON.stringify(restBefore);
    }),
    { numRuns: 2_000 },
  );
  t.end();
});

test('what is no UTF-8 is read byte by byte: other bytes are another prompt', (t) => {
  const hashesOf = (byte: number): readonly number[] => {
    const body = Buffer.concat([Buffer.from('{"model":"m","messages":[{"role":"user","content":"'), Buffer.of(byte), Buffer.from('"}]}')]);
    return reader.read('chat', body).prompts[0].hashes;
  };
  t.same(hashesOf(0xfe), hashesOf(0xfe));
  t.notSame(hashesOf(0xfe), hashesOf(0xff));
  t.end();
});
