// The official Anthropic client, unmodified, through the router.

import Anthropic, { APIError, APIUserAbortError, BadRequestError, InternalServerError, NotFoundError } from '@anthropic-ai/sdk';
import { test, type Test } from 'tap';
import { startSimulator, type Simulator } from '../../bench/simulator/simulator.ts';
import { rejection } from '../support/rejection.ts';
import { eventually, startTestRouter } from '../support/test-router.ts';

const model = '/model/qwen';
const messages = [{ role: 'user' as const, content: 'What is the weather?' }];
const tools = [{ name: 'get_weather', input_schema: { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] } }];

async function start(t: Test, timeScale = 0): Promise<{ anthropic: Anthropic; simulators: readonly Simulator[] }> {
  const simulators = await Promise.all([1, 2].map(() => startSimulator({ timeScale })));
  t.teardown(() => Promise.all(simulators.map((simulator) => simulator.close())));
  const { url } = await startTestRouter(t, { endpoints: simulators.map((simulator) => simulator.url) });
  return { anthropic: new Anthropic({ apiKey: 'of-the-client', baseURL: url, maxRetries: 0 }), simulators };
}

test('text and stream are the same answer, with usage', async (t) => {
  const { anthropic } = await start(t);
  const plain = await anthropic.messages.create({ model, messages, max_tokens: 5 });
  t.match(plain, { type: 'message', stop_reason: 'max_tokens', usage: { output_tokens: 5 } });
  const streamed = await anthropic.messages.stream({ model, messages, max_tokens: 5 }).finalMessage();
  t.match(streamed, { content: plain.content, stop_reason: 'max_tokens', usage: { output_tokens: 5 } });
});

test('tools are called, in a stream and not', async (t) => {
  const { anthropic } = await start(t);
  const wanted = { stop_reason: 'tool_use', content: [{ type: 'tool_use', name: 'get_weather', input: { city: String } }] };
  const called = await anthropic.messages.create({ model, messages, max_tokens: 100, tools, tool_choice: { type: 'any' } });
  t.match(called, wanted);
  t.match(await anthropic.messages.stream({ model, messages, max_tokens: 100, tools, tool_choice: { type: 'any' } }).finalMessage(), wanted);
  const use = called.content[0] as Anthropic.ToolUseBlock;
  const result = { role: 'user' as const, content: [{ type: 'tool_result' as const, tool_use_id: use.id, content: 'sunny' }] };
  t.match(await anthropic.messages.create({ model, messages: [...messages, { role: 'assistant', content: called.content }, result], max_tokens: 5, tools }), { type: 'message' });
});

test('tokens are counted', async (t) => {
  const { anthropic } = await start(t);
  t.ok((await anthropic.messages.countTokens({ model, messages })).input_tokens > 5);
});

test("errors are the client's own classes", async (t) => {
  const { anthropic, simulators } = await start(t);
  t.type(await rejection(anthropic.messages.create({ model: 'nobody', messages, max_tokens: 5 })), NotFoundError);
  t.type(await rejection(anthropic.messages.create({ model: 7 as unknown as string, messages, max_tokens: 5 })), BadRequestError);
  for (const simulator of simulators) await simulator.fault({ kind: 'error-first', status: 503 });
  const refused = await rejection(anthropic.messages.create({ model, messages, max_tokens: 5, stream: true }));
  t.ok(refused instanceof InternalServerError && refused.status === 503, 'an error as the first event of a stream has its real status');
  for (const simulator of simulators) await simulator.fault({ kind: 'die' });
  t.type(await rejection(anthropic.messages.create({ model, messages, max_tokens: 5 })), InternalServerError);
  const nobody = await rejection(anthropic.messages.create({ model, messages, max_tokens: 5 }));
  t.ok(nobody instanceof InternalServerError && nobody.status === 503, 'when nobody is left');
  t.match(nobody, { error: { type: 'error', error: { type: 'overloaded_error' } } });
});

test('a stream that breaks in the middle raises an error after what came', async (t) => {
  const { anthropic, simulators } = await start(t);
  for (const clean of [false, true]) {
    for (const simulator of simulators) await simulator.fault({ kind: 'cut', afterEvents: 4, clean });
    let events = 0;
    const read = async (): Promise<void> => {
      for await (const _ of await anthropic.messages.create({ model, messages, max_tokens: 50, stream: true })) events += 1;
    };
    t.type(await rejection(read()), APIError);
    t.ok(events > 0, `${events} events before it`);
  }
});

test('an abort frees the engine', async (t) => {
  const { anthropic, simulators } = await start(t, 1);
  const stream = anthropic.messages.stream({ model, messages: [{ role: 'user', content: 'word '.repeat(100) }], max_tokens: 10_000 });
  await new Promise<void>((resolve) => stream.once('text', () => resolve()));
  stream.abort();
  t.type(await rejection(stream.finalMessage()), APIUserAbortError);
  await eventually(() => simulators.every((simulator) => simulator.state().running === 0));
});
