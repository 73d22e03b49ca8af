import { test } from 'tap';
import { chainOf, chatOf, isSame } from './reading.ts';

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

test('a message of tool results alone is no message beside them, and redacted reasoning is not there', (t) => {
  const result = { type: 'tool_result', tool_use_id: 'c1', content: 'a.ts' };
  const messages = chainOf('messages', { messages: [...TURN, { role: 'assistant', content: [{ type: 'redacted_thinking', data: 'x' }, { type: 'text', text: 'Looking' }] }, { role: 'user', content: [result] }] });
  const chat = chainOf('chat', { messages: [...TURN, { role: 'assistant', content: 'Looking' }, { role: 'tool', tool_call_id: 'c1', content: 'a.ts' }] });
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
