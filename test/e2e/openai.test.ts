// The official OpenAI client, unmodified, through the router: everything that it can ask for, and every way in which that goes wrong.

import OpenAI, { APIError, APIUserAbortError, BadRequestError, InternalServerError, NotFoundError } from 'openai';
import { test, type Test } from 'tap';
import { startSimulator, type Simulator } from '../../bench/simulator/simulator.ts';
import { rejection } from '../support/rejection.ts';
import { eventually, startTestRouter, type TestRouter } from '../support/test-router.ts';

const model = '/model/qwen';
const question = [{ role: 'user' as const, content: 'What is the weather?' }];
const parameters = { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] };
const tools = [{ type: 'function' as const, function: { name: 'get_weather', parameters } }];

interface Stack {
  readonly openai: OpenAI;
  readonly simulators: readonly Simulator[];
  readonly router: TestRouter;
}

async function start(t: Test, timeScale = 0): Promise<Stack> {
  const simulators = await Promise.all([1, 2].map(() => startSimulator({ timeScale })));
  t.teardown(() => Promise.all(simulators.map((simulator) => simulator.close())));
  const router = await startTestRouter(t, { endpoints: simulators.map(({ url }) => url) });
  return { openai: new OpenAI({ apiKey: 'of-the-client', baseURL: `${router.url}/v1`, maxRetries: 0 }), simulators, router };
}

test('chat: text and stream are the same answer, with usage', async (t) => {
  const { openai } = await start(t);
  const plain = await openai.chat.completions.create({ model, messages: question, max_tokens: 7 });
  t.match(plain, { model, usage: { completion_tokens: 7 }, choices: [{ finish_reason: 'length' }] });
  const streamed = await openai.chat.completions.stream({ model, messages: question, max_tokens: 7, stream_options: { include_usage: true } }).finalChatCompletion();
  t.equal(streamed.choices[0]?.message.content, plain.choices[0]?.message.content);
  t.match(streamed.usage, { completion_tokens: 7 });
});

test('chat: several rounds of one conversation come from what is cached', async (t) => {
  const { openai } = await start(t);
  const messages: { role: 'user' | 'assistant'; content: string }[] = [{ role: 'user', content: 'A long story, please. '.repeat(40) }];
  let cached = 0;
  for (let round = 0; round < 4; round += 1) {
    const answer = await openai.chat.completions.create({ model, messages, max_tokens: 16 });
    messages.push({ role: 'assistant', content: answer.choices[0]?.message.content ?? '' }, { role: 'user', content: 'Go on.' });
    const now = answer.usage?.prompt_tokens_details?.cached_tokens ?? 0;
    if (round > 0) t.ok(now > cached || now > 100, `${now} tokens were there in round ${round}`);
    cached = now;
  }
});

test('chat: tools are called, in a stream and not', async (t) => {
  const { openai } = await start(t);
  const wanted = { function: { name: 'get_weather' } };
  const plain = await openai.chat.completions.create({ model, messages: question, tools, tool_choice: 'required' });
  const streamed = await openai.chat.completions.stream({ model, messages: question, tools, tool_choice: 'required' }).finalChatCompletion();
  for (const { choices } of [plain, streamed]) {
    const call = choices[0]?.message.tool_calls?.[0];
    t.match(call, wanted);
    t.type((JSON.parse(call?.type === 'function' ? call.function.arguments : '') as { city: unknown }).city, 'string');
  }
  const result = { role: 'tool' as const, tool_call_id: plain.choices[0]?.message.tool_calls?.[0]?.id ?? '', content: 'sunny' };
  const after = await openai.chat.completions.create({ model, messages: [...question, plain.choices[0]!.message, result], tools, max_tokens: 5 });
  t.match(after.choices[0]?.message.content, /./);
});

test('completions and responses, in a stream and not', async (t) => {
  const { openai } = await start(t);
  const completion = await openai.completions.create({ model, prompt: 'Once', max_tokens: 5 });
  let text = '';
  for await (const part of await openai.completions.create({ model, prompt: 'Once', max_tokens: 5, stream: true })) text += part.choices[0]?.text ?? '';
  t.equal(text, completion.choices[0]?.text);
  const response = await openai.responses.create({ model, input: 'Hello', max_output_tokens: 5 });
  const streamed = await openai.responses.stream({ model, input: 'Hello', max_output_tokens: 5 }).finalResponse();
  t.equal(streamed.output_text, response.output_text);
  const called = await openai.responses.create({ model, input: 'Hello', tools: [{ type: 'function', name: 'get_weather', parameters, strict: false }], tool_choice: 'required' });
  t.match(called.output, [{ type: 'function_call', name: 'get_weather', arguments: /"city"/ }]);
});

test('responses that are stored are found again wherever they are', async (t) => {
  const { openai } = await start(t);
  for (let i = 0; i < 6; i += 1) {
    const first = await openai.responses.create({ model, input: `Hello ${i}`, max_output_tokens: 5, store: true });
    t.equal((await openai.responses.retrieve(first.id)).output_text, first.output_text);
    const next = await openai.responses.create({ model, input: 'And then?', previous_response_id: first.id, max_output_tokens: 5 });
    t.equal(next.previous_response_id, first.id);
  }
});

test('embeddings and the list of models', async (t) => {
  const { openai } = await start(t);
  t.equal((await openai.embeddings.create({ model, input: 'Hello' })).data[0]?.embedding.length, 8);
  t.same((await openai.models.list()).data.map(({ id }) => id), [model]);
});

test("errors are the client's own classes", async (t) => {
  const { openai, simulators } = await start(t);
  t.type(await rejection(openai.chat.completions.create({ model: 'nobody', messages: question })), NotFoundError);
  t.type(await rejection(openai.chat.completions.create({ model: 7 as unknown as string, messages: question })), BadRequestError);
  t.type(await rejection(openai.chat.completions.create({ model, messages: [], max_tokens: -1 })), BadRequestError, 'told by the engine');
  for (const simulator of simulators) await simulator.fault({ kind: 'error-first', status: 503 });
  const refused = await rejection(openai.chat.completions.create({ model, messages: question, stream: true }));
  t.ok(refused instanceof InternalServerError && refused.status === 503, 'an error as the first event of a stream has its real status');
  for (const simulator of simulators) await simulator.fault({ kind: 'die' });
  t.type(await rejection(openai.chat.completions.create({ model, messages: question })), InternalServerError);
  const nobody = await rejection(openai.chat.completions.create({ model, messages: question }));
  t.ok(nobody instanceof InternalServerError && nobody.status === 503 && nobody.headers.get('retry-after') !== null, 'when nobody is left');
});

test('a stream that breaks in the middle raises an error after what came', async (t) => {
  const { openai, simulators } = await start(t);
  for (const clean of [false, true]) {
    for (const simulator of simulators) await simulator.fault({ kind: 'cut', afterEvents: 4, clean });
    let parts = 0;
    const read = async (): Promise<void> => {
      for await (const part of await openai.chat.completions.create({ model, messages: question, max_tokens: 50, stream: true })) parts += part.choices.length;
    };
    t.type(await rejection(read()), APIError);
    t.equal(parts, 4);
  }
});

test('an abort frees the engine', async (t) => {
  const { openai, simulators, router } = await start(t, 1);
  const stream = await openai.chat.completions.create({ model, messages: question, max_tokens: 10_000, stream: true, ignore_eos: true } as OpenAI.ChatCompletionCreateParamsStreaming);
  let parts = 0;
  for await (const _ of stream) {
    if ((parts += 1) === 3) stream.controller.abort();
  }
  t.equal(parts, 3);
  await eventually(() => simulators.every((simulator) => simulator.state().running === 0));
  const controller = new AbortController();
  const waiting = openai.chat.completions.create({ model, messages: question, max_tokens: 10_000, ignore_eos: true } as OpenAI.ChatCompletionCreateParamsNonStreaming, { signal: controller.signal });
  await eventually(() => simulators.some((simulator) => simulator.state().running === 1));
  controller.abort();
  t.type(await rejection(waiting), APIUserAbortError);
  await eventually(() => simulators.every((simulator) => simulator.state().running === 0));
  t.same((await router.endpoints()).map(({ in_flight }) => in_flight), [0, 0]);
});
