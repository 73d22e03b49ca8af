// playback.test.ts: what a trace's hash ids become, and when its requests are sent.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type Test } from 'tap';
import { playBack, promptOf } from '../../../bench/replay/playback.ts';
import { createScaledClock } from '../../../bench/load/scaled-clock.ts';
import { tokenize } from '../../../bench/simulator/text/tokenizer.ts';

const line = (ids: readonly number[], tokens: number, timestamp = 0) => ({ timestamp, input_length: tokens, output_length: 1, hash_ids: ids });

test('a prompt has the tokens that were recorded, and shares what its leading ids share', (t) => {
  const prompt = promptOf(line([7, 8, 9], 1100));
  t.equal(tokenize(prompt).length, 1100);
  t.equal(promptOf(line([7, 8], 1024)), promptOf(line([7, 8, 4], 1500)).slice(0, promptOf(line([7, 8], 1024)).length));
  t.ok(promptOf(line([7, 8, 9], 1536)).startsWith(prompt));
  t.notOk(promptOf(line([6, 8, 9], 1536)).startsWith(prompt.slice(0, 20)));
  t.end();
});

async function server(t: Test, status: number): Promise<string> {
  const listening = createServer((request, response) => {
    request.resume();
    const chunk = { choices: [{ delta: { content: 'a' } }], usage: { prompt_tokens: 1, completion_tokens: 1 } };
    response.writeHead(status).end(`data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`);
  }).listen(0, '127.0.0.1');
  t.teardown(() => listening.close());
  await once(listening, 'listening');
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

const rest = { model: 'm', signal: new AbortController().signal, onProgress() {} };

test('requests are due at their times, so many times faster', async (t) => {
  const clock = createScaledClock(0.01);
  const startedS = clock.nowS();
  const played = await playBack({ ...rest, baseUrl: await server(t, 200), lines: [line([1], 4), line([2], 4, 6000)], speed: 2, clock });
  t.strictSame(played.map(({ id }) => id), ['trace-0', 'trace-1']);
  t.ok(Math.abs((played[1]?.dueS ?? 0) - (played[0]?.dueS ?? 0) - 3) < 1e-6);
  t.ok(clock.nowS() - startedS >= 3);
});

test('a request that fails ends the playback, with its error', async (t) => {
  const playing = playBack({ ...rest, baseUrl: await server(t, 500), lines: [line([1], 4), line([2], 4, 3_600_000)], speed: 1, clock: createScaledClock(1) });
  await t.rejects(playing, { message: /answered 500/ });
});
