// Each fault as a client sees it.

import { connect } from 'node:net';
import { test, type Test } from 'tap';
import { readFault } from '../../../bench/simulator/fault.ts';
import type { SimulatorOptions } from '../../../bench/simulator/options.ts';
import { startSimulator, type Simulator } from '../../../bench/simulator/simulator.ts';

async function start(t: Test, options: Partial<SimulatorOptions> = {}): Promise<Simulator> {
  const simulator = await startSimulator({ timeScale: 0, ...options });
  t.teardown(() => simulator.close());
  return simulator;
}

function ask(simulator: Simulator, more: object = {}): Promise<Response> {
  return fetch(`${simulator.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [{ role: 'user', content: 'Tell me about the queue of the scheduler. '.repeat(20) }], max_tokens: 10, ...more }),
  });
}

async function cachedTokens(simulator: Simulator): Promise<number> {
  const answer = (await (await ask(simulator)).json()) as { usage: { prompt_tokens_details: { cached_tokens: number } } };
  return answer.usage.prompt_tokens_details.cached_tokens;
}

function order(simulator: Simulator, fault: object): Promise<Response> {
  return fetch(`${simulator.url}/sim/fault`, { method: 'POST', body: JSON.stringify(fault) });
}

/** A stream that will not end by itself, after its first bytes. */
async function longStream(simulator: Simulator): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  const response = await ask(simulator, { stream: true, max_tokens: 50_000, ignore_eos: true });
  const reader = response.body!.getReader();
  await reader.read();
  return reader;
}

async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  let text = '';
  for (let read = await reader.read(); !read.done; read = await reader.read()) text += Buffer.from(read.value).toString();
  return text;
}

test('die resets streams and closes the port; restart opens it with an empty cache and a new start time', async (t) => {
  const simulator = await start(t);
  await cachedTokens(simulator);
  const { startedS } = simulator.state();
  const stream = await longStream(simulator);
  await simulator.fault({ kind: 'die' });
  await t.rejects(readAll(stream));
  await t.rejects(ask(simulator));
  await simulator.fault({ kind: 'restart' });
  t.equal(await cachedTokens(simulator), 0);
  t.ok(simulator.state().startedS > startedS);
});

test('hang accepts a connection and says nothing', async (t) => {
  const simulator = await start(t);
  await simulator.fault({ kind: 'hang' });
  const socket = connect(simulator.port, '127.0.0.1');
  socket.on('error', () => {});
  let bytes = 0;
  socket.on('data', (data) => (bytes += data.length));
  socket.write('GET /health HTTP/1.1\r\nhost: x\r\n\r\n');
  // The control route answers on, and in the meantime the other would have.
  t.equal((await order(simulator, { kind: 'slow', factor: 1 })).status, 200);
  t.equal(bytes, 0);
  await simulator.fault({ kind: 'heal' });
  t.equal((await fetch(`${simulator.url}/health`)).status, 200);
});

test('hang-streams leaves a stream open and silent until its client goes', async (t) => {
  const simulator = await start(t, { preset: 'H8', timeScale: 1 });
  const stream = await longStream(simulator);
  await simulator.fault({ kind: 'hang-streams' });
  const { outputTokens } = simulator.state().requests[0]!;
  t.equal((await fetch(`${simulator.url}/health`)).status, 200);
  const silent = readAll(stream);
  while (simulator.state().requests[0]!.outputTokens < outputTokens + 3) await new Promise((resolve) => void setImmediate(resolve));
  t.equal(simulator.state().openStreams, 1);
  await stream.cancel();
  t.notMatch(await silent, 'finish_reason":"');
});

test('status answers everything with it, as often as told', async (t) => {
  const simulator = await start(t);
  await simulator.fault({ kind: 'status', status: 502, times: 2 });
  t.same([(await ask(simulator)).status, (await fetch(`${simulator.url}/health`)).status, (await ask(simulator)).status], [502, 502, 200]);
});

test('reset, hang and status can be told which paths they hit', async (t) => {
  const simulator = await start(t);
  await simulator.fault({ kind: 'reset', path: '/v1/', times: 1 });
  t.equal((await fetch(`${simulator.url}/health`)).status, 200);
  await t.rejects(ask(simulator));
  t.match(simulator.state().requests[0], { outcome: 'aborted', headers: { 'content-type': 'application/json' } });
  t.equal((await ask(simulator)).status, 200);
  await simulator.fault({ kind: 'status', status: 500, path: '/v1/' });
  t.equal((await fetch(`${simulator.url}/health`)).status, 200);
  t.equal((await ask(simulator)).status, 500);
});

test('cut ends a stream after so many events, with a reset or cleanly', async (t) => {
  const simulator = await start(t);
  await simulator.fault({ kind: 'cut', afterEvents: 3, times: 1 });
  const reset = await ask(simulator, { stream: true });
  await t.rejects(reset.text());
  t.match(simulator.state().requests[0], { outcome: 'failed' });
  await simulator.fault({ kind: 'cut', afterEvents: 3, clean: true, times: 1 });
  t.equal((await (await ask(simulator, { stream: true })).text()).split('\n\n').length, 4);
  t.match(await (await ask(simulator, { stream: true })).text(), /\[DONE\]\n\n$/);
  t.equal(simulator.state().running, 0);
});

test('error-first is a 200 whose only event is an error, or its status when not streaming', async (t) => {
  const simulator = await start(t);
  await simulator.fault({ kind: 'error-first', status: 500, times: 2 });
  const stream = await ask(simulator, { stream: true });
  t.equal(stream.status, 200);
  t.match(await stream.text(), /^data: \{"error": .*"code": 500\}\}\n\ndata: \[DONE\]\n\n$/);
  t.equal((await ask(simulator)).status, 500);
  t.equal((await ask(simulator)).status, 200);
});

test('abort ends what is in flight and, if told so, the next requests without a token', async (t) => {
  const simulator = await start(t);
  const stream = await longStream(simulator);
  await simulator.fault({ kind: 'abort', times: 1 });
  t.match(await readAll(stream), /"finish_reason":"abort".*\[DONE\]\n\n$/s);
  const next = (await (await ask(simulator)).json()) as object;
  t.match(next, { choices: [{ message: { content: '' }, finish_reason: 'abort' }], usage: { completion_tokens: 0 } });
  t.match(await (await ask(simulator)).json(), { choices: [{ finish_reason: 'length' }] });
});

test('drain finishes what is in flight, refuses new requests and stays healthy', async (t) => {
  const simulator = await start(t, { preset: 'H8', timeScale: 0.1 });
  const stream = await ask(simulator, { stream: true });
  await simulator.fault({ kind: 'drain' });
  t.equal((await ask(simulator)).status, 500);
  t.equal((await fetch(`${simulator.url}/health`)).status, 200);
  t.match(await stream.text(), '"finish_reason":"length"');
});

/** Polls: the port closes a while after the fault. */
async function untilRefused(simulator: Simulator): Promise<void> {
  while (await fetch(`${simulator.url}/health`).then(() => true, () => false)) await new Promise((resolve) => setTimeout(resolve, 5));
}

test('stop by aborting ends streams and late requests with finish_reason abort, is unhealthy at once and refuses soon', async (t) => {
  const simulator = await start(t);
  const stream = await longStream(simulator);
  await simulator.fault({ kind: 'stop', manner: 'abort', closeMs: 200 });
  t.equal((await fetch(`${simulator.url}/health`)).status, 503);
  t.match(await (await ask(simulator)).json(), { choices: [{ message: { content: '' }, finish_reason: 'abort' }] });
  t.match(await readAll(stream), /"finish_reason":"abort".*\[DONE\]\n\n$/s);
  await untilRefused(simulator);
  await simulator.fault({ kind: 'restart' });
  t.equal((await fetch(`${simulator.url}/health`)).status, 200);
});

test('stop in silence keeps what is open open, without another byte, until its client leaves', async (t) => {
  const simulator = await start(t, { preset: 'H8', timeScale: 1 });
  const stream = await longStream(simulator);
  await simulator.fault({ kind: 'stop', manner: 'silent', closeMs: 0 });
  await simulator.fault({ kind: 'heal' });
  const silent = readAll(stream);
  await untilRefused(simulator);
  t.equal(simulator.state().openStreams, 1, 'the stream outlives the port');
  const { outputTokens } = simulator.state().requests[0]!;
  await untilRefused(simulator);
  t.equal(simulator.state().requests[0]!.outputTokens, outputTokens);
  await stream.cancel();
  t.notMatch(await silent, 'finish_reason":"');
  while (simulator.state().openStreams > 0) await new Promise((resolve) => void setImmediate(resolve));
  t.match(simulator.state(), { running: 0, requests: [{ outcome: 'aborted' }] });
});

for (const [kind, state] of [['sleep', 'weights_offloaded'], ['pause', 'awake']] as const) {
  test(`${kind} lets requests wait, healthy and ${state}, until it is healed`, async (t) => {
    const simulator = await start(t);
    await cachedTokens(simulator);
    await simulator.fault({ kind });
    const waiting = cachedTokens(simulator);
    while (simulator.state().requests.length < 2) await new Promise((resolve) => void setImmediate(resolve));
    t.equal((await fetch(`${simulator.url}/health`)).status, 200);
    t.match(await (await fetch(`${simulator.url}/metrics`)).text(), new RegExp(`sleep_state="${state}"\\} 1\\.0`));
    t.equal(simulator.state().requests[1]!.outcome, 'open');
    await simulator.fault({ kind: 'heal' });
    t.equal((await waiting) > 0, kind === 'pause', 'sleeping empties the cache');
  });
}

test('flush empties the cache without a sign', async (t) => {
  const simulator = await start(t);
  t.equal(await cachedTokens(simulator), 0);
  t.ok((await cachedTokens(simulator)) > 0);
  const { startedS } = simulator.state();
  await simulator.fault({ kind: 'flush' });
  t.equal(await cachedTokens(simulator), 0);
  t.equal(simulator.state().startedS, startedS);
});

test('slow makes every step longer', async (t) => {
  const simulator = await start(t, { preset: 'H8', timeScale: 0.1 });
  await simulator.fault({ kind: 'slow', factor: 20 });
  const startMs = performance.now();
  await (await ask(simulator)).text();
  t.ok(performance.now() - startMs > 10 * 7.5 * 0.1 * 20);
});

test('a fault over HTTP is checked', async (t) => {
  const simulator = await start(t);
  t.equal((await order(simulator, { kind: 'drain' })).status, 200);
  t.equal((await ask(simulator)).status, 500);
  const refused = await order(simulator, { kind: 'explode' });
  t.equal(refused.status, 400);
  t.match(await refused.json(), { error: /unknown fault 'explode'/ });
  t.throws(() => readFault({ kind: 'cut' }), /needs a number 'afterEvents'/);
  t.throws(() => readFault({ kind: 'stop' }), /needs a 'manner': abort or silent/);
});
