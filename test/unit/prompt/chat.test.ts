import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { FROM_ASSISTANT, MESSAGE_END, chainBytes } from '../../../src/core/chain.ts';
import type { Chain } from '../../../src/core/chain.ts';
import { createPromptReader } from '../../../src/prompt/read.ts';
import { chainOf, chatOf, isSame, read, readText, sharedBlocks, sharedBytes } from './reading.ts';

const WEATHER = { type: 'function', function: { name: 'weather', description: 'Tells it', parameters: { type: 'object', properties: { city: { type: 'string' }, day: { type: 'string' } } } } };
const HELLO = [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'Hello there' }];

function capture(name: string): Uint8Array {
  return readFileSync(new URL(`../../captures/requests/${name}`, import.meta.url));
}

test('the second round of a conversation begins with the blocks of the first', (t) => {
  const reader = createPromptReader({ secret: new Uint8Array(16) });
  const first = reader.read('chat', capture('round1.json'));
  const second = reader.read('chat', capture('round2.json'));
  t.equal(chainBytes(first.prompts[0]), 390);
  t.equal(chainBytes(second.prompts[0]), 718);
  t.equal(sharedBlocks(first.prompts[0], second.prompts[0]), first.prompts[0].length);
  t.equal(first.openingBlocks, first.prompts[0].length);
  t.equal(second.openingBlocks, first.openingBlocks);
  t.match(first, { kind: 'generation', surface: 'chat', model: '/model/qwen', stream: true, weight: 1, teaches: true, previousResponseId: undefined });
  t.end();
});

test('sizes count the bytes of roles and contents', (t) => {
  t.equal(chainBytes(chatOf(['user', 'né漢😀'])), Buffer.byteLength('user') + Buffer.byteLength('né漢😀'));
  t.equal(chainBytes(chatOf(['user', ''], ['assistant', null])), Buffer.byteLength('userassistant'));
  t.equal(chainBytes(chatOf(['wizard', 'x'])), Buffer.byteLength('wizardx'));
  t.end();
});

test('a message ends a block, and the blocks of an assistant message are marked', (t) => {
  const chain = chatOf(['user', 'u'.repeat(100)], ['assistant', 'a'.repeat(100)], ['user', 'b']);
  t.strictSame([...chain.marks], [0, MESSAGE_END, FROM_ASSISTANT, FROM_ASSISTANT | MESSAGE_END, MESSAGE_END]);
  t.strictSame([...chain.ends], [96, 104, 201, 213, 218]);
  const junk = chainOf('chat', { messages: [{ role: 'assistant', content: 'a' }, 'junk'] });
  t.strictSame([...junk.marks], [FROM_ASSISTANT | MESSAGE_END, MESSAGE_END]);
  t.end();
});

function withImage(url: string, question: string): Chain {
  return chatOf(['user', [{ type: 'image_url', image_url: { url } }, { type: 'text', text: question }]]);
}

function opening(messages: unknown): number {
  return read('chat', { messages }).openingBlocks;
}

const base = { model: 'm', messages: HELLO, tools: [WEATHER], chat_template_kwargs: { thinking: true, depth: 2 } };

test('the same prompt in another spelling is the same prompt', (t) => {
  const plain = chainOf('chat', base);
  const spellings: Record<string, unknown> = {
    'keys in another order': {
      chat_template_kwargs: { depth: 2, thinking: true },
      tools: [{ function: { parameters: { properties: { day: { type: 'string' }, city: { type: 'string' } }, type: 'object' }, description: 'Tells it', name: 'weather' }, type: 'function' }],
      messages: HELLO.map(({ role, content }) => ({ content, role })),
    },
    'text as a part': { ...base, messages: HELLO.map(({ role, content }) => ({ role, content: [{ type: 'text', text: content }] })) },
    'text as a bare part': { ...base, messages: HELLO.map(({ role, content }) => ({ role, content: [content] })) },
    'cache markers': {
      ...base,
      tools: [{ ...WEATHER, cache_control: { type: 'ephemeral' } }],
      messages: HELLO.map(({ role, content }) => ({ role, content: [{ type: 'text', text: content, cache_control: { type: 'ephemeral' } }] })),
    },
    'names of speakers': { ...base, messages: HELLO.map((message) => ({ ...message, name: 'joe' })) },
    'empty extras': { ...base, messages: HELLO.map((message) => ({ ...message, tool_calls: [], reasoning: null, refusal: null, annotations: [] })) },
    'unknown keys beside a function': { ...base, tools: [{ ...WEATHER, vendor: 1 }] },
    'another choice of tools': { ...base, tool_choice: 'none' },
    'defaults and nulls': { ...base, add_generation_prompt: true, continue_final_message: false, add_special_tokens: false, reasoning_effort: null, documents: [], cache_salt: null },
    'other sampling': { ...base, temperature: 0.3, n: 4, stream: true, seed: 1, max_tokens: 5 },
    'another model': { ...base, model: 'other' },
  };
  for (const [name, body] of Object.entries(spellings)) t.ok(isSame(chainOf('chat', body), plain), name);
  t.ok(isSame(readText('chat', JSON.stringify(base, null, 4)).prompts[0], plain), 'white space');
  t.ok(isSame(readText('chat', `\uFEFF${JSON.stringify(base)}`).prompts[0], plain), 'byte order mark');
  t.end();
});

test('several texts are joined by a newline', (t) => {
  const parts = chatOf(['user', [{ type: 'text', text: 'Hello ' }, { type: 'input_text', text: 'world' }]]);
  t.ok(isSame(parts, chatOf(['user', 'Hello \nworld'])));
  t.notOk(isSame(parts, chatOf(['user', 'Hello world'])));
  t.ok(isSame(chatOf(['assistant', [{ type: 'refusal', refusal: 'No' }]]), chatOf(['assistant', 'No'])));
  t.end();
});

test('whatever changes the rendered prompt makes another prompt', (t) => {
  const plain = chainOf('chat', base);
  const others: Record<string, unknown> = {
    salt: { ...base, cache_salt: 'a' },
    'another salt': { ...base, cache_salt: 'b' },
    'no tools': { ...base, tools: [] },
    'strict tools': { ...base, tools: [{ ...WEATHER, function: { ...WEATHER.function, strict: true } }] },
    'a parameter called cache_control': { ...base, tools: [{ ...WEATHER, function: { ...WEATHER.function, parameters: { cache_control: {} } } }] },
    'other template arguments': { ...base, chat_template_kwargs: { thinking: false, depth: 2 } },
    template: { ...base, chat_template: '{{ x }}' },
    effort: { ...base, reasoning_effort: 'high' },
    'special tokens': { ...base, add_special_tokens: true },
    truncation: { ...base, truncate_prompt_tokens: 100 },
    role: { ...base, tools: [], messages: [{ role: 'developer', content: 'Be brief.' }] },
  };
  const seen = [plain, ...Object.values(others).map((body) => chainOf('chat', body))];
  for (const [a, one] of seen.entries()) {
    for (const [b, other] of seen.entries()) if (a < b) t.notOk(isSame(one, other), `${a} and ${b}`);
  }
  t.end();
});

test('a salt, a template argument or another first tool leaves nothing in common', (t) => {
  const plain = chainOf('chat', base);
  const first = { ...WEATHER, function: { ...WEATHER.function, description: 'Knows it' } };
  for (const other of [{ cache_salt: 'a' }, { reasoning_effort: 'high' }, { tools: [first] }]) {
    t.equal(sharedBlocks(plain, chainOf('chat', { ...base, ...other })), 0);
  }
  t.equal(sharedBlocks(chainOf('chat', { ...base, reasoning_effort: 'x' }), chainOf('chat', { ...base, chat_template: 'x' })), 0);
  t.ok(isSame(chainOf('chat', { messages: HELLO, chat_template_kwargs: {} }), chainOf('chat', { messages: HELLO })));
  t.end();
});

test('documents are counted, and stand behind the tools', (t) => {
  const chain = chainOf('chat', { ...base, documents: [{ text: 'd'.repeat(500) }] });
  t.ok(chainBytes(chain) > chainBytes(chainOf('chat', base)) + 500);
  t.ok(sharedBlocks(chain, chainOf('chat', base)) > 0);
  t.end();
});

test('what a message carries beside its text makes a difference there', (t) => {
  const call = { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Ulm"}' } };
  const answers: Record<string, unknown>[] = [
    { content: 'x' },
    { content: 'x', reasoning_content: 'because' },
    { content: 'x', tool_calls: [call] },
    { content: 'x', tool_calls: [{ ...call, id: 'c2' }] },
    { content: 'x', tool_calls: [{ ...call, function: { ...call.function, arguments: '{"city":"Bonn"}' } }] },
    { content: 'x', tool_calls: [call, call] },
    { content: 'x', tool_call_id: 'c1' },
    { content: 'because', reasoning_content: 'x' },
    { content: { text: 'x' } },
    { content: '{"text":"x"}' },
    { content: '{4:text"1:x}' },
    { content: [{ type: 'unheard_of', data: 'x' }] },
  ];
  const chains = answers.map((answer) => chainOf('chat', { messages: [...HELLO, { role: 'assistant', ...answer }] }));
  const before = chatOf(['system', 'Be brief.'], ['user', 'Hello there']);
  for (const [a, one] of chains.entries()) {
    t.equal(sharedBlocks(one, before), before.length);
    for (const [b, other] of chains.entries()) if (a < b) t.equal(sharedBlocks(one, other), before.length, `${a} and ${b}`);
  }
  t.ok(isSame(chainOf('chat', { messages: [{ role: 'assistant', reasoning: 'r' }] }), chainOf('chat', { messages: [{ role: 'assistant', reasoning_content: 'r' }] })));
  t.end();
});

test('media count as a thousand tokens whatever their size, and are told apart by content', (t) => {
  const small = withImage('data:image/png;base64,AAAA', 'What is it?');
  const large = withImage(`data:image/png;base64,${'B'.repeat(300_000)}`, 'What is it?');
  t.equal(chainBytes(small), 4 + 4_096 + 11);
  t.equal(chainBytes(large), chainBytes(small));
  t.equal(sharedBlocks(small, large), 0);
  t.equal(sharedBytes(small, withImage('data:image/png;base64,AAAA', 'Where is it?')), 4 + 4_096);
  t.equal(sharedBlocks(large, withImage(`data:image/png;base64,${'B'.repeat(299_999)}C`, 'What is it?')), 0);
  t.notOk(read('chat', { messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'x', format: 'wav' } }] }] }).teaches);
  t.end();
});

test('an open end changes the last block alone', (t) => {
  const messages = [...HELLO, { role: 'assistant', content: 'Well' }];
  const plain = chainOf('chat', { messages });
  for (const ending of [{ continue_final_message: true }, { add_generation_prompt: false }, { continue_final_message: true, add_generation_prompt: false }]) {
    t.equal(sharedBlocks(plain, chainOf('chat', { messages, ...ending })), plain.length - 1);
  }
  t.end();
});

test('the opening reaches to the end of the first user message, or over everything', (t) => {
  const system = 'system text '.repeat(20);
  const both = [{ role: 'system', content: system }, { role: 'user', content: 'hi' }];
  t.equal(opening([...both, { role: 'assistant', content: 'yes' }, { role: 'user', content: 'more' }]), chatOf(['system', system], ['user', 'hi']).length);
  t.equal(opening([{ role: 'system', content: system }]), chatOf(['system', system]).length);
  t.end();
});
