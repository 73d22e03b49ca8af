import { test } from 'tap';
import { FROM_ASSISTANT, MESSAGE_END } from '../../../src/core/chain.ts';
import type { Chain } from '../../../src/core/chain.ts';
import { chainOf, chatOf, isSame, read } from './reading.ts';

/** The marks of message ends alone. */
function messageMarks(chain: Chain): number[] {
  return [...chain.marks].filter((mark) => (mark & MESSAGE_END) !== 0);
}

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

test('reasoning counts by its content, else by its summary, else by what stands for it', (t) => {
  const reasoning = (item: object) => chainOf('responses', { input: [{ type: 'reasoning', ...item }] });
  const because = chainOf('chat', { messages: [{ role: 'assistant', reasoning: 'because' }] });
  t.ok(isSame(reasoning({ content: [{ type: 'reasoning_text', text: 'because' }], summary: [{ type: 'summary_text', text: 'so' }] }), because));
  t.ok(isSame(reasoning({ content: [], summary: [{ type: 'summary_text', text: 'because' }] }), because));
  t.ok(isSame(reasoning({ summary: [], encrypted_content: 'because' }), because));
  t.end();
});

test('an answer that continues another is named, and its size teaches nothing', (t) => {
  t.match(read('responses', { input: 'x', previous_response_id: 'resp_1' }), { previousResponseId: 'resp_1', teaches: false });
  t.equal(read('responses', { input: 'x', previous_response_id: 7 }).previousResponseId, undefined);
  t.equal(read('chat', { messages: [], previous_response_id: 'resp_1' }).previousResponseId, undefined);
  t.end();
});
