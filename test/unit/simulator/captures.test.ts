// What the simulator answers, next to what a real vLLM 0.32.0 answered to the same bytes.

import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { test, type Test } from 'tap';
import type { Fault } from '../../../bench/simulator/fault.ts';
import type { SimulatorOptions } from '../../../bench/simulator/options.ts';
import { startSimulator, type Simulator } from '../../../bench/simulator/simulator.ts';
import { exchange, takeApart, type Answer } from './wire.ts';

const captures = new URL('../../captures/', import.meta.url);
const read = (name: string): Buffer => readFileSync(new URL(name, captures));

/** The server that was recorded. */
const recorded: Partial<SimulatorOptions> = { model: 'tiny-llama', blockTokens: 32, blocks: 2048, modelTokensMax: 8192, timeScale: 0 };

async function start(t: Test, options: Partial<SimulatorOptions> = {}): Promise<Simulator> {
  const simulator = await startSimulator({ ...recorded, ...options });
  t.teardown(() => simulator.close());
  return simulator;
}

/** Values that differ from run to run, from tokenizer to tokenizer and from model to model. */
const varying = new Set([
  'id', 'item_id', 'created', 'created_at', 'root', 'system_fingerprint', 'content', 'text', 'delta', 'prompt_tokens', 'total_tokens', 'completion_tokens',
  'cached_tokens', 'created_cache_tokens', 'input_tokens', 'output_tokens', 'cache_write_tokens', 'cache_creation_input_tokens',
  'cache_read_input_tokens', 'tokens', 'count', 'sequence_number',
]);

function blur(key: string, value: unknown): unknown {
  if (!varying.has(key)) return value;
  if (typeof value === 'number') return '<number>';
  if (typeof value === 'string') return value === '' ? '' : '<text>';
  return Array.isArray(value) && typeof value[0] === 'number' ? '<numbers>' : value;
}

/** A chunk or body with its varying values blurred; keys keep their order. */
function shapeOf(chunk: string): string {
  const [, lead, json, tail] = /^((?:event: \S+\n)?(?:data: )?)(\{.*\})(\n*)$/s.exec(chunk) ?? [];
  if (json === undefined) return chunk;
  const spaced = json.startsWith('{"error": ');
  return `${lead}${spaced ? 'spaced ' : ''}${JSON.stringify(JSON.parse(json), blur)}${tail}`;
}

/** Each shape once: how many tokens come between first and last depends on the words. */
function shapesOf({ chunks }: Answer): string[] {
  return [...new Set(chunks.map(shapeOf))];
}

function headersOf({ headers }: Answer): string[] {
  return headers.map(([name, value]) => (['date', 'content-length', 'x-request-id'].includes(name) ? name : `${name}: ${value}`));
}

function compare(t: Test, answer: Answer, name: string): void {
  const real = takeApart(read(`${name}.response`));
  t.equal(answer.status, real.status, `${name}: status`);
  t.same(headersOf(answer), headersOf(real), `${name}: headers`);
  t.same(shapesOf(answer), shapesOf(real), `${name}: body`);
}

async function replay(t: Test, simulator: Simulator, name: string): Promise<void> {
  compare(t, takeApart(await exchange(simulator.port, read(`${name}.request`))), name);
}

test('answers and errors have the headers, events and keys of the real server', async (t) => {
  const simulator = await start(t);
  const names = [
    'models', 'health', 'version', 'chat-stream-usage-cold', 'chat-stream-usage-warm', 'chat-stream-no-usage', 'chat-stream-continuous-usage',
    'chat-stream-n2', 'chat', 'chat-request-id', 'chat-tools', 'completions-stream-usage', 'completions', 'responses-stream', 'messages-stream', 'tokenize',
    'error-bad-json', 'error-content-type', 'error-messages-unknown-model', 'error-method', 'error-missing-messages', 'error-too-long',
    'error-too-long-stream', 'error-unknown-model', 'error-unknown-route',
  ];
  for (const name of names) await replay(t, simulator, name);
});

test('the id of a chat answer is the X-Request-Id of the client', async (t) => {
  const simulator = await start(t);
  const { chunks } = takeApart(await exchange(simulator.port, read('chat-request-id.request')));
  t.match(JSON.parse(chunks[0]!), { id: 'chatcmpl-abc-123' });
});

test('a full queue is a clean 503, for streams too', async (t) => {
  const simulator = await start(t, { queuedRequestsMax: 0 });
  for (const name of ['overload', 'overload-stream', 'overload-messages']) await replay(t, simulator, name);
});

test('a full prefill backlog is a 200 whose first event is the error', async (t) => {
  const simulator = await start(t, { queuedTokensMax: 8 });
  await replay(t, simulator, 'overload-stream-error-in-200');
});

test('a draining server refuses with a 500 and stays healthy', async (t) => {
  const simulator = await start(t);
  await simulator.fault({ kind: 'drain' });
  const answer = takeApart(await exchange(simulator.port, read('draining-new.request')));
  // The real server leaves `vary` out when its event loop is shutting down.
  compare(t, { ...answer, headers: answer.headers.filter(([name]) => name !== 'vary') }, 'draining-new');
  await replay(t, simulator, 'health');
});

test('a dead engine is a 500, and in a new stream a 200 whose first event is the error', async (t) => {
  const simulator = await start(t);
  await simulator.fault({ kind: 'engine-dead' });
  await replay(t, simulator, 'engine-dead');
  compare(t, takeApart(await exchange(simulator.port, read('engine-dead-stream.request'))), 'engine-dead-new-stream');
  t.equal(takeApart(await exchange(simulator.port, read('health.request'))).status, 503);
});

/** Replays a stream and breaks the server at its first event. */
async function breakStream(simulator: Simulator, name: string, fault: Fault): Promise<Answer> {
  return takeApart(await exchange(simulator.port, read(`${name}.request`), () => void simulator.fault(fault)));
}

test('an engine that dies in the middle of a stream ends it with an error event', async (t) => {
  const simulator = await start(t);
  compare(t, await breakStream(simulator, 'engine-dead-stream', { kind: 'engine-dead' }), 'engine-dead-stream');
});

test('a server that shuts down ends a stream with finish_reason "abort", usage and [DONE]', async (t) => {
  const simulator = await start(t, { requestIdHeaders: true });
  const answer = await breakStream(simulator, 'sigterm-stream-abort', { kind: 'abort' });
  const real = takeApart(read('sigterm-stream-abort.response'));
  t.same(headersOf(answer), headersOf(real));
  // The real one had a token left to send with the abort; here that delta is empty.
  t.same(shapesOf(answer).map((shape) => shape.replace('"content":""', '"content":"<text>"')).slice(1), shapesOf(real).slice(1));
});

test('told to stop, it ends streams with finish_reason "abort", or leaves them open and silent', async (t) => {
  const aborting = await start(t, { requestIdHeaders: true });
  const answer = await breakStream(aborting, 'sigterm-stream-abort', { kind: 'stop', manner: 'abort' });
  t.same(shapesOf(answer).map((shape) => shape.replace('"content":""', '"content":"<text>"')).slice(1), shapesOf(takeApart(read('sigterm-stream-abort.response'))).slice(1));

  const silent = await start(t, { preset: 'H8', timeScale: 1 });
  const socket = connect(silent.port, '127.0.0.1', () => socket.write(read('sigterm-stream-hung.request')));
  const received: Buffer[] = [];
  await new Promise<void>((resolve) => {
    socket.on('data', (data) => {
      received.push(data);
      if (!data.includes('data: ')) return;
      void silent.fault({ kind: 'stop', manner: 'silent', closeMs: 0 });
      resolve();
    });
  });
  while (await fetch(`${silent.url}/health`).then(() => true, () => false)) await new Promise((resolve) => setTimeout(resolve, 5));
  t.equal(silent.state().openStreams, 1);
  t.equal(socket.readableEnded, false);
  socket.destroy();
  const real = takeApart(read('sigterm-stream-hung.response'));
  const ours = takeApart(Buffer.concat(received));
  t.same(headersOf(ours), headersOf(real));
  t.same(shapesOf(ours), shapesOf(real).slice(0, shapesOf(ours).length));
});

test('a stream without a token for a while carries comments', async (t) => {
  const simulator = await start(t, { timeScale: 1, preset: 'S', sseKeepAliveIntervalS: 0.02 });
  const answer = takeApart(await exchange(simulator.port, read('chat-stream-no-usage.request')));
  const real = takeApart(read('chat-stream-keep-alive.response'));
  t.equal(answer.chunks[0], real.chunks[0]);
  t.same(shapesOf(answer).slice(0, 3), shapesOf(real).slice(0, 3));
});

/** Name → type of the families, and name → label names of the samples. */
function metricsOf(text: string): { types: Map<string, string>; labels: Map<string, string[]> } {
  const types = new Map<string, string>();
  const labels = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (name !== undefined) types.set(name, type!);
    const [, sample, list = ''] = /^([a-z][\w:]*)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
    if (sample !== undefined) labels.set(sample, [...list.matchAll(/(\w+)="/g)].map(([, label]) => label!));
  }
  return { types, labels };
}

test('every metric has the name, the type and the labels that the real server gives it', async (t) => {
  const simulator = await start(t);
  await exchange(simulator.port, read('chat-stream-usage-cold.request'));
  await exchange(simulator.port, read('chat-stream-usage-warm.request'));
  const ours = metricsOf(takeApart(await exchange(simulator.port, read('metrics.request'))).chunks[0]!);
  const real = metricsOf(takeApart(read('metrics.response')).chunks[0]!);
  for (const [name, type] of ours.types) t.equal(type, real.types.get(name), name);
  for (const [name, labels] of ours.labels) {
    if (name === 'vllm:cache_config_info') t.ok(labels.every((label) => real.labels.get(name)!.includes(label)), name);
    else t.same(labels, real.labels.get(name), name);
  }
});
