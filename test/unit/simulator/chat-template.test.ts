// What changes a prompt and what does not.

import { test } from 'tap';
import { renderChat, type JsonObject } from '../../../bench/simulator/text/chat-template.ts';

const user = (content: unknown, more: JsonObject = {}): JsonObject => ({ role: 'user', content, ...more });
const prompt = (messages: JsonObject[], more: object = {}): string => String(renderChat({ messages, ...more }));
const tool = (more: JsonObject, outer: JsonObject = {}): JsonObject => ({
  type: 'function',
  function: { name: 'look_up', description: 'Looks a word up.', parameters: { type: 'object' }, ...more },
  ...outer,
});

function sharedTokens(a: string, b: string): number {
  const [left, right] = [a.split(','), b.split(',')];
  return left.findIndex((token, at) => token !== right[at]);
}

test('a part is the plain string and parts are joined by a newline', (t) => {
  t.equal(prompt([user([{ type: 'text', text: 'Hello' }])]), prompt([user('Hello')]));
  t.equal(prompt([user([{ type: 'text', text: 'Hello ' }, { type: 'text', text: 'world' }])]), prompt([user('Hello \nworld')]));
  t.end();
});

test('name and cache-control marks are not rendered', (t) => {
  t.equal(prompt([user('Hello', { name: 'ann' })]), prompt([user('Hello')]));
  t.equal(prompt([user([{ type: 'text', text: 'Hello', cache_control: { type: 'ephemeral' } }])]), prompt([user('Hello')]));
  t.end();
});

test('tools come before the conversation; strict is rendered, the order of keys and unknown keys are not', (t) => {
  const system = { role: 'system', content: 'Be brief, and always answer in rhyme.' };
  const plain = prompt([system, user('Hello')]);
  const withTools = prompt([system, user('Hello')], { tools: [tool({})] });
  t.ok(sharedTokens(plain, withTools) < plain.split(',').length - 10, 'the user turn is behind the tools');
  const reordered = { type: 'function', function: { parameters: { type: 'object' }, description: 'Looks a word up.', name: 'look_up', color: 'red' }, more: 1 };
  t.equal(prompt([system, user('Hello')], { tools: [reordered] }), withTools);
  t.not(prompt([system, user('Hello')], { tools: [tool({ strict: true })] }), withTools);
  t.end();
});

test('template arguments change the prompt', (t) => {
  t.not(prompt([user('Hello')], { templateArguments: { reasoning_effort: 'high' } }), prompt([user('Hello')]));
  t.end();
});

test('equal images give equal tokens, others give others, all as many', (t) => {
  const image = (url: string): JsonObject => user([{ type: 'image_url', image_url: { url } }, { type: 'text', text: 'What is it?' }]);
  t.equal(prompt([image('data:a')]), prompt([image('data:a')]));
  t.not(prompt([image('data:a')]), prompt([image('data:b')]));
  t.equal(prompt([image('data:a')]).split(',').length, prompt([image('data:bcd')]).split(',').length);
  t.end();
});

test('a conversation goes on with the tokens of its last prompt', (t) => {
  const before = prompt([user('Hello')]);
  const after = prompt([user('Hello'), { role: 'assistant', content: 'word' }, user('More')]);
  t.ok(after.startsWith(before));
  t.end();
});
