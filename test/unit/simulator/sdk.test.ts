// The official clients read every kind of answer that the simulator gives.

import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { test, type Test } from 'tap';
import { startSimulator } from '../../../bench/simulator/simulator.ts';

const parameters = { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] };
const question = [{ role: 'user' as const, content: 'What is the weather?' }];
const model = '/model/qwen';

async function start(t: Test): Promise<{ openai: OpenAI; anthropic: Anthropic }> {
  const simulator = await startSimulator({ timeScale: 0 });
  t.teardown(() => simulator.close());
  const common = { apiKey: 'none', maxRetries: 0 };
  return { openai: new OpenAI({ ...common, baseURL: `${simulator.url}/v1` }), anthropic: new Anthropic({ ...common, baseURL: simulator.url }) };
}

test('OpenAI chat: text, stream and tool calls', async (t) => {
  const { openai } = await start(t);
  const plain = await openai.chat.completions.create({ model, messages: question, max_tokens: 5 });
  t.equal(plain.usage?.completion_tokens, 5);
  const streamed = await openai.chat.completions.stream({ model, messages: question, max_tokens: 5 }).finalChatCompletion();
  t.equal(streamed.choices[0]?.message.content, plain.choices[0]?.message.content);
  const tools = [{ type: 'function' as const, function: { name: 'get_weather', parameters } }];
  for (const tool_choice of ['required' as const, { type: 'function' as const, function: { name: 'get_weather' } }]) {
    const called = await openai.chat.completions.stream({ model, messages: question, tools, tool_choice }).finalChatCompletion();
    const call = called.choices[0]?.message.tool_calls?.[0];
    t.match(call, { type: 'function', function: { name: 'get_weather' } });
    t.type((JSON.parse(call?.type === 'function' ? call.function.arguments : '') as { city: unknown }).city, 'string');
  }
});

test('OpenAI completions, responses, embeddings and models', async (t) => {
  const { openai } = await start(t);
  const completion = await openai.completions.create({ model, prompt: 'Once', max_tokens: 5 });
  t.equal(completion.choices[0]?.text.split(' ').length, 5);
  const response = await openai.responses.create({ model, input: 'Hello', max_output_tokens: 5 });
  t.equal(response.output_text.split(' ').length, 5);
  const streamed = await openai.responses.stream({ model, input: 'Hello', max_output_tokens: 5 }).finalResponse();
  t.equal(streamed.output_text, response.output_text);
  const called = await openai.responses
    .stream({ model, input: 'Hello', tools: [{ type: 'function', name: 'get_weather', parameters, strict: false }], tool_choice: 'required' })
    .finalResponse();
  t.match(called.output, [{ type: 'function_call', name: 'get_weather', arguments: /"city"/ }]);
  const embedding = await openai.embeddings.create({ model, input: 'Hello' });
  t.equal(embedding.data[0]?.embedding.length, 8);
  t.equal((await openai.models.list()).data[0]?.id, model);
});

test('Anthropic messages: text, stream, tool use and counting', async (t) => {
  const { anthropic } = await start(t);
  const plain = await anthropic.messages.create({ model, messages: question, max_tokens: 5 });
  t.match(plain, { stop_reason: 'max_tokens', usage: { output_tokens: 5 } });
  const streamed = await anthropic.messages.stream({ model, messages: question, max_tokens: 5 }).finalMessage();
  t.match(streamed.content, plain.content);
  const tools = [{ name: 'get_weather', input_schema: parameters }];
  const called = await anthropic.messages.stream({ model, messages: question, max_tokens: 100, tools, tool_choice: { type: 'any' } }).finalMessage();
  t.match(called, { stop_reason: 'tool_use', content: [{ type: 'tool_use', name: 'get_weather', input: { city: String } }] });
  t.ok((await anthropic.messages.countTokens({ model, messages: question })).input_tokens > 5);
});
