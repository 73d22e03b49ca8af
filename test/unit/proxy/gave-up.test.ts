// Which answers have nothing in them because the engine gave up, and which first events say nothing yet.

import { test } from 'tap';
import { gaveUpInAnswer, gaveUpInEvent, isOpening } from '../../../src/proxy/gave-up.ts';
import { SseScanner } from '../../../src/proxy/sse.ts';
import { captured } from '../../support/captures.ts';

const event = (...choices: readonly object[]): Buffer => Buffer.from(`data: ${JSON.stringify({ choices })}\n\n`);
const answer = (...choices: readonly object[]): string => Buffer.from(JSON.stringify({ choices })).toString('latin1');

/** All events of a stream that a real vLLM wrote. */
function events(name: string): readonly Buffer[] {
  const all: Buffer[] = [];
  const scanner = new SseScanner();
  scanner.listener = (each) => all.push(each);
  scanner.feed(captured(name).body);
  return all;
}

test("of vLLM's chat streams the first event is an opening, for each sequence, and no other is", (t) => {
  for (const [name, openings] of [['chat-stream-no-usage', 1], ['chat-stream-usage-warm', 1], ['chat-stream-continuous-usage', 1], ['chat-stream-n2', 2], ['sigterm-stream-abort', 1]] as const) {
    const found = events(name).map((each) => isOpening('chat', each));
    t.equal(found.lastIndexOf(true), openings - 1, name);
    t.equal(found.filter(Boolean).length, openings, name);
  }
  t.end();
});

test('an opening with anything in it is none', (t) => {
  const role = { role: 'assistant' };
  t.equal(isOpening('chat', event({ delta: { ...role, content: '' } })), true);
  t.equal(isOpening('chat', event({ delta: { ...role, content: null, reasoning: '', tool_calls: [] }, finish_reason: null })), true);
  for (const more of [{ content: 'x' }, { reasoning: 'x' }, { reasoning_content: 'x' }, { tool_calls: [{}] }]) t.equal(isOpening('chat', event({ delta: { ...role, ...more } })), false);
  t.equal(isOpening('chat', event({ delta: role, finish_reason: 'stop' })), false);
  t.equal(isOpening('chat', event()), false);
  t.equal(isOpening('completions', event({ delta: role })), false);
  t.equal(isOpening('chat', Buffer.from('data: "role":"assistant"\n\n')), false, 'no JSON');
  t.end();
});

test('an answer of which nothing has gone out is given up when a sequence of it is, whatever came with that', (t) => {
  const finish_reason = 'abort';
  t.equal(gaveUpInEvent('chat', event({ delta: { content: '' }, finish_reason })), true);
  t.equal(gaveUpInEvent('chat', event({ delta: {}, finish_reason })), true);
  t.equal(gaveUpInEvent('completions', event({ text: '', finish_reason })), true);
  t.equal(gaveUpInAnswer('chat', answer({ message: { content: null, reasoning: null, tool_calls: [] }, finish_reason })), true);
  t.equal(gaveUpInAnswer('chat', answer({ message: { content: '' }, finish_reason }, { message: { content: '' }, finish_reason })), true);
  t.equal(gaveUpInAnswer('completions', answer({ text: '', finish_reason })), true);

  t.equal(gaveUpInEvent('chat', event({ delta: { content: 'x' }, finish_reason })), true);
  t.equal(gaveUpInEvent('chat', event({ delta: { content: '' }, finish_reason: 'stop' })), false);
  t.equal(gaveUpInAnswer('chat', answer({ message: { content: 'x' }, finish_reason })), true);
  t.equal(gaveUpInAnswer('chat', answer({ message: { content: '' }, finish_reason }, { message: { content: 'x' }, finish_reason: 'stop' })), true, 'one of two');
  t.equal(gaveUpInAnswer('chat', answer({ message: { content: '"finish_reason":"abort"' }, finish_reason: 'stop' })), false, 'text that speaks of it');
  t.equal(gaveUpInAnswer('messages', answer({ message: { content: '' }, finish_reason })), false);
  t.equal(gaveUpInEvent('chat', events('sigterm-stream-abort').at(-3)!), true, 'with its last token');
  t.end();
});
