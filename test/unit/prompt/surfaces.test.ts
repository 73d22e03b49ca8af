import { test } from 'tap';
import { FROM_ASSISTANT, MESSAGE_END, chainBytes } from '../../../src/core/chain.ts';
import type { Chain } from '../../../src/core/chain.ts';
import { chainOf, chatOf, isSame, read, sharedBlocks, sharedBytes } from './reading.ts';

/** The marks of message ends alone. */
function messageMarks(chain: Chain): number[] {
  return [...chain.marks].filter((mark) => (mark & MESSAGE_END) !== 0);
}

test('a text completion is one prompt without a role', (t) => {
  const facts = read('completions', { model: 'm', prompt: 'Once upon a time' });
  t.match(facts, { surface: 'completions', weight: 1, teaches: true, openingBlocks: 1 });
  t.equal(chainBytes(facts.prompts[0]), 16);
  t.ok(isSame(facts.prompts[0], chainOf('completions', { prompt: ['Once upon a time'] })));
  t.end();
});

test('of several prompts the longest comes first and the others keep their order', (t) => {
  const facts = read('completions', { prompt: ['ab', 'abcdef', 'abc', 'abcd'], n: 3 });
  t.strictSame(facts.prompts.map(chainBytes), [6, 2, 3, 4]);
  t.match(facts, { weight: 12, teaches: false });
  t.end();
});

test('token ids are four bytes each, and teach nothing', (t) => {
  const ids = Array.from({ length: 50_000 }, (_, i) => (i * 7919) % 150_000);
  const facts = read('completions', { prompt: ids });
  t.equal(chainBytes(facts.prompts[0]), 200_000);
  t.equal(facts.prompts.length, 1);
  t.notOk(facts.teaches);
  const changed = ids.with(30_000, -5);
  const shared = sharedBytes(facts.prompts[0], chainOf('completions', { prompt: changed }));
  t.ok(shared <= 120_000 && shared > 120_000 - 4_096 - 4, `${shared}`);
  t.strictSame(read('completions', { prompt: [[1, 2], [3, 4, 5]] }).prompts.map(chainBytes), [12, 8]);
  t.ok(isSame(chainOf('completions', { prompt: [[1, 2]] }), chainOf('completions', { prompt: [1, 2] })));
  t.end();
});

test('the opening of a raw text is its first KiB, so that a longer one keeps it', (t) => {
  const text = 'all work and no play '.repeat(200);
  const short = read('completions', { prompt: text.slice(0, 2_000) });
  const long = read('completions', { prompt: text });
  t.equal(short.openingBlocks, long.openingBlocks);
  t.equal(sharedBlocks(short.prompts[0], long.prompts[0]) >= long.openingBlocks, true);
  t.equal(long.prompts[0].ends[long.openingBlocks - 1], 1_024);
  t.end();
});

test('embeddings are told apart, and a completion without a prompt has no blocks', (t) => {
  t.notOk(isSame(chainOf('completions', { prompt_embeds: 'AAAA' }), chainOf('completions', { prompt_embeds: 'BBBB' })));
  t.equal(read('completions', { prompt: 'a', prompt_embeds: ['AAAA', 'BBBB'] }).weight, 3);
  t.match(read('completions', {}), { openingBlocks: 0, weight: 1, teaches: false });
  t.equal(chainOf('completions', { prompt: [] }).length, 0);
  t.end();
});

test('more prompts than an engine takes are not read', (t) => {
  t.equal(read('completions', { prompt: Array.from({ length: 5_000 }, () => 'x') }).prompts.length, 1_024);
  t.end();
});

test('a request of the Responses API reads like the chat that it is', (t) => {
  const chat = chatOf(['system', 'Be brief.'], ['user', 'Hello'], ['assistant', 'Hi'], ['user', 'More']);
  const list = [
    { role: 'user', content: [{ type: 'input_text', text: 'Hello' }] },
    { type: 'message', id: 'msg_1', status: 'completed', role: 'assistant', content: [{ type: 'output_text', text: 'Hi', annotations: [] }] },
    { role: 'user', content: 'More' },
  ];
  t.ok(isSame(chainOf('responses', { instructions: 'Be brief.', input: list }), chat));
  t.ok(isSame(chainOf('responses', { input: 'Hello' }), chatOf(['user', 'Hello'])));
  t.ok(isSame(chainOf('responses', { input: 'Hello', reasoning: { effort: 'low', summary: 'auto' } }), chainOf('chat', { reasoning_effort: 'low', messages: [{ role: 'user', content: 'Hello' }] })));
  t.equal(read('responses', { instructions: 'Be brief.', input: list }).openingBlocks, 2);
  t.end();
});

test('calls and reasoning in a Responses input are the assistant\'s', (t) => {
  const chain = chainOf('responses', {
    input: [
      { role: 'user', content: 'Weather?' },
      { type: 'reasoning', id: 'r1', summary: [{ type: 'summary_text', text: 'Ask' }], content: null },
      { type: 'function_call', call_id: 'c1', id: 'f1', name: 'weather', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c1', output: 'rain' },
      { type: 'web_search_call', id: 'w1' },
      { type: 'item_reference', id: 'i1' },
    ],
  });
  const assistant = FROM_ASSISTANT | MESSAGE_END;
  t.strictSame(messageMarks(chain), [MESSAGE_END, assistant, assistant, MESSAGE_END, assistant, MESSAGE_END]);
  t.end();
});

test('an answer that continues another is named, and its size teaches nothing', (t) => {
  t.match(read('responses', { input: 'x', previous_response_id: 'resp_1' }), { previousResponseId: 'resp_1', teaches: false });
  t.equal(read('responses', { input: 'x', previous_response_id: 7 }).previousResponseId, undefined);
  t.equal(read('chat', { messages: [], previous_response_id: 'resp_1' }).previousResponseId, undefined);
  t.end();
});

const AGENT = { type: 'text', text: 'You write code.' };
const TURN = [{ role: 'user', content: 'Fix it' }];

test('a billing line in an Anthropic system prompt makes no difference', (t) => {
  const billed = (line: string) => chainOf('messages', { system: [{ type: 'text', text: line }, { ...AGENT, cache_control: { type: 'ephemeral' } }], messages: TURN });
  const plain = chainOf('messages', { system: 'You write code.', messages: TURN });
  t.ok(isSame(billed('x-anthropic-billing-header: cc_version=2.1; cch=1a2b;'), plain));
  t.ok(isSame(billed('x-anthropic-billing-header: cc_version=2.1; cch=ffff;'), plain));
  t.notOk(isSame(billed('Something else'), plain));
  t.ok(isSame(plain, chatOf(['system', 'You write code.'], ['user', 'Fix it'])));
  t.end();
});

test('Anthropic tool use and results read like the chat that the engine makes of them', (t) => {
  const messages = chainOf('messages', {
    messages: [
      ...TURN,
      { role: 'assistant', content: [{ type: 'thinking', thinking: 'Look', signature: 's' }, { type: 'text', text: 'Looking' }, { type: 'tool_use', id: 'c1', name: 'ls', input: 'here' }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c1', content: [{ type: 'text', text: 'a.ts' }] }, { type: 'text', text: 'And?' }] },
    ],
    output_config: { effort: 'high' },
  });
  const chat = chainOf('chat', {
    messages: [
      ...TURN,
      { role: 'assistant', content: 'Looking', reasoning: 'Look', tool_calls: [{ id: 'c1', function: { name: 'ls', arguments: 'here' } }] },
      { role: 'tool', tool_call_id: 'c1', content: 'a.ts' },
      { role: 'user', content: 'And?' },
    ],
    reasoning_effort: 'high',
  });
  t.ok(isSame(messages, chat));
  t.end();
});

test('Anthropic pictures, inputs of tools and results make a difference', (t) => {
  const content = [
    [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } }],
    [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'BBBB' } }],
    [{ type: 'document', source: { type: 'url', url: 'http://x' } }],
    [{ type: 'tool_use', id: '1', name: 'f', input: { a: 1 } }],
    [{ type: 'tool_use', id: '1', name: 'f', input: { a: 2 } }],
    [{ type: 'tool_result', tool_use_id: '1', content: 'x' }],
    [{ type: 'tool_result', tool_use_id: '1', content: 'y' }],
    [],
    null,
  ];
  const chains = content.map((blocks) => chainOf('messages', { messages: [...TURN, { role: 'user', content: blocks }] }));
  const same = chains.flatMap((one, a) => chains.flatMap((other, b) => (a < b && isSame(one, other) ? [`${a}=${b}`] : [])));
  t.strictSame(same, ['7=8']);
  t.ok(isSame(chainOf('messages', { messages: [{ role: 'assistant', content: [{ type: 'tool_use', id: '1', name: 'f', input: { a: 1, b: 2 } }] }] }), chainOf('messages', { messages: [{ role: 'assistant', content: [{ type: 'tool_use', id: '1', name: 'f', input: { b: 2, a: 1 } }] }] })));
  t.end();
});
