// The simulator as a client sees it that talks, leaves, and comes back.

import { connect } from 'node:net';
import { test, type Test } from 'tap';
import type { SimulatorOptions } from '../../../bench/simulator/options.ts';
import { startSimulator, type Simulator } from '../../../bench/simulator/simulator.ts';

async function start(t: Test, options: Partial<SimulatorOptions> = {}): Promise<Simulator> {
  const simulator = await startSimulator({ timeScale: 0, ...options });
  t.teardown(() => simulator.close());
  return simulator;
}

function post(simulator: Simulator, path: string, body: object, signal?: AbortSignal): Promise<Response> {
  return fetch(simulator.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal !== undefined && { signal }),
  });
}

interface ChatAnswer {
  readonly choices: readonly { readonly message: { readonly content: string; readonly tool_calls?: object[] }; readonly finish_reason: string }[];
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number; readonly prompt_tokens_details: { readonly cached_tokens: number } };
}

async function chat(simulator: Simulator, body: object): Promise<ChatAnswer> {
  const response = await post(simulator, '/v1/chat/completions', body);
  return (await response.json()) as ChatAnswer;
}

/** Resolves when `condition` holds, looking at it once a turn of the event loop. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => void setImmediate(resolve));
}

const long = 'The scheduler keeps a queue of waiting requests and a list of running requests. '.repeat(40);

test('the second turn of a conversation finds the first turn and the answer to it', async (t) => {
  const simulator = await start(t);
  const messages = [{ role: 'user', content: long }];
  const first = await chat(simulator, { messages, max_tokens: 100, ignore_eos: true });
  const answer = first.choices[0]!.message;
  const second = await chat(simulator, { messages: [...messages, answer, { role: 'user', content: 'And then?' }], max_tokens: 5 });
  const known = first.usage.prompt_tokens + first.usage.completion_tokens - 1;
  t.equal(second.usage.prompt_tokens_details.cached_tokens, Math.floor(known / 16) * 16);
});

test('a tool call that is sent back is found as well', async (t) => {
  const simulator = await start(t);
  const properties = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`field${at}`, { type: 'string' }]));
  const tools = [{ type: 'function', function: { name: 'fill', parameters: { type: 'object', properties } } }];
  const messages = [{ role: 'user', content: long }];
  const first = await chat(simulator, { messages, tools, tool_choice: 'required' });
  t.equal(first.choices[0]!.finish_reason, 'tool_calls');
  const result = { role: 'tool', content: 'done' };
  const second = await chat(simulator, { messages: [...messages, first.choices[0]!.message, result], tools, max_tokens: 1 });
  const known = first.usage.prompt_tokens + first.usage.completion_tokens - 1;
  t.equal(second.usage.prompt_tokens_details.cached_tokens, Math.floor(known / 16) * 16);
});

test('adapters, salts and prompt_logprobs do not share the cache', async (t) => {
  const simulator = await start(t, { loras: ['a'] });
  const cached = async (more: object): Promise<number> => {
    const { usage } = await chat(simulator, { messages: [{ role: 'user', content: long }], max_tokens: 1, ...more });
    return usage.prompt_tokens_details.cached_tokens;
  };
  t.equal(await cached({}), 0);
  t.equal(await cached({ model: 'a' }), 0);
  t.equal(await cached({ cache_salt: 'x' }), 0);
  t.equal(await cached({ prompt_logprobs: 1 }), 0);
  t.ok((await cached({ cache_salt: 'x' })) > 0);
  t.ok((await cached({ cache_salt: null, model: '' })) > 0);
  t.equal((await post(simulator, '/v1/chat/completions', { messages: [], cache_salt: '' })).status, 400);
});

test('the billing line of an Anthropic system prompt does not break the prefix', async (t) => {
  const simulator = await start(t);
  const ask = async (billing: string): Promise<{ usage: Record<string, number> }> => {
    const system = [{ type: 'text', text: `x-anthropic-billing-header: ${billing}` }, { type: 'text', text: long }];
    const response = await post(simulator, '/v1/messages', { system, max_tokens: 1, messages: [{ role: 'user', content: 'Hi' }] });
    return (await response.json()) as { usage: Record<string, number> };
  };
  const cold = await ask('one');
  const warm = await ask('two');
  t.equal(cold.usage['cache_read_input_tokens'], 0);
  const promptTokens = cold.usage['input_tokens']! + cold.usage['cache_creation_input_tokens']!;
  t.equal(warm.usage['cache_read_input_tokens'], Math.floor((promptTokens - 1) / 16) * 16);
});

test('a client that leaves frees the engine, before and after its first token', async (t) => {
  const simulator = await start(t, { preset: 'S', timeScale: 1 });
  const ask = (stream: boolean, signal: AbortSignal): Promise<Response> =>
    post(simulator, '/v1/chat/completions', { messages: [{ role: 'user', content: long }], max_tokens: 2000, ignore_eos: true, stream }, signal);
  const last = () => simulator.state().requests.at(-1)!;

  const waiting = new AbortController();
  const never = ask(false, waiting.signal);
  await until(() => simulator.state().running === 1);
  waiting.abort();
  await t.rejects(never);
  await until(() => simulator.state().running === 0);
  t.match(last(), { outcome: 'aborted', outputTokens: 0 });

  const streaming = new AbortController();
  const response = await ask(true, streaming.signal);
  const reader = response.body!.getReader();
  await reader.read();
  await until(() => last().outputTokens > 0);
  streaming.abort();
  await until(() => simulator.state().running === 0);
  t.match(last(), { outcome: 'aborted', status: 200 });
  t.ok(last().cachedTokens! > 0, 'what the first one had computed stayed in the cache');
  t.match(simulator.state(), { openStreams: 0, waiting: 0, kvUsage: 0 });
});

test('a client that leaves while it sends its request is nobody', async (t) => {
  const simulator = await start(t);
  const socket = connect(simulator.port, '127.0.0.1');
  socket.write('POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"mess');
  await until(() => simulator.state().requests.length === 1);
  socket.destroy();
  await until(() => simulator.state().openStreams === 0);
  t.match(simulator.state().requests[0], { outcome: 'aborted', promptTokens: 0 });
  t.equal((await fetch(`${simulator.url}/health`)).status, 200);
});

test('a connection that stays open is not announced', async (t) => {
  const simulator = await start(t);
  const response = await fetch(`${simulator.url}/health`);
  t.same([...response.headers.keys()].toSorted(), ['content-length', 'date', 'server', 'vary']);
});

test('usage is left out of streams unless asked for or forced, and cached_tokens if switched off', async (t) => {
  const ask = { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 1, stream: true };
  const plain = await start(t);
  t.notMatch(await (await post(plain, '/v1/chat/completions', ask)).text(), '"usage"');
  const forced = await start(t, { forceIncludeUsage: true });
  t.match(await (await post(forced, '/v1/chat/completions', ask)).text(), '"cached_tokens":0');
  const silent = await start(t, { forceIncludeUsage: true, promptTokensDetails: false });
  t.notMatch(await (await post(silent, '/v1/chat/completions', ask)).text(), 'cached_tokens');
});

test('an API key guards /v1 and nothing else', async (t) => {
  const simulator = await start(t, { apiKey: 'secret' });
  const refused = await fetch(`${simulator.url}/v1/models`);
  t.equal(refused.status, 401);
  t.equal(await refused.text(), '{"error":"Unauthorized"}');
  t.equal((await fetch(`${simulator.url}/v1/models`, { headers: { authorization: 'Bearer secret' } })).status, 200);
  t.equal((await fetch(`${simulator.url}/metrics`)).status, 200);
});

test('a completion takes a text, texts, token ids and lists of them', async (t) => {
  const simulator = await start(t);
  const tokens = Array.from({ length: 40 }, (_, at) => at + 20);
  for (const [prompt, choices] of [['one', 1], [['one', 'two'], 2], [tokens, 1], [[tokens, [1, 2]], 2]] as const) {
    const answer = (await (await post(simulator, '/v1/completions', { prompt })).json()) as { choices: object[]; usage: object };
    t.equal(answer.choices.length, choices);
    t.match(answer.usage, { completion_tokens: 16 * choices });
  }
});

test('a response can be asked for again and continued, until the process is another', async (t) => {
  const simulator = await start(t);
  const first = (await (await post(simulator, '/v1/responses', { input: long })).json()) as { id: string };
  t.match(await (await fetch(`${simulator.url}/v1/responses/${first.id}`)).json(), { id: first.id, status: 'completed' });
  const next = { input: 'And then?', previous_response_id: first.id };
  const second = (await (await post(simulator, '/v1/responses', next)).json()) as { usage: { input_tokens_details: { cached_tokens: number } } };
  t.ok(second.usage.input_tokens_details.cached_tokens > 500);
  await simulator.fault({ kind: 'restart' });
  t.equal((await post(simulator, '/v1/responses', next)).status, 404);
});
