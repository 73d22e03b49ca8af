// stream-chat.test.ts: what a client takes for an answer and what it refuses.

import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type Test } from 'tap';
import { Agent } from 'undici';
import { streamChat, type ChatAnswer } from '../../../bench/load/stream-chat.ts';

async function ask(t: Test, serve: RequestListener): Promise<ChatAnswer> {
  const server = createServer(serve).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connections = new Agent();
  t.teardown(async () => {
    await connections.destroy();
    server.closeAllConnections();
    server.close();
  });
  let nowS = 0;
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return streamChat({ baseUrl, model: 'm', messages: [{ role: 'user', content: 'Hello' }], answerTokensMax: 5, connections, nowS: () => ++nowS });
}

function events(...data: readonly unknown[]): RequestListener {
  const text = data.map((one) => `data: ${typeof one === 'string' ? one : JSON.stringify(one)}\n\n`).join('');
  return (_, response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(text);
}

const role = { choices: [{ delta: { role: 'assistant', content: '' } }] };
const words = (content: string) => ({ choices: [{ delta: { content } }] });
const usage = { choices: [], usage: { prompt_tokens: 20, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 16 } } };

test('an answer is its text, the time of its first word, and what the server counted', async (t) => {
  const answer = await ask(t, events(role, words('for'), words('mer'), usage, '[DONE]'));
  t.same(answer, { text: 'former', launchedS: 1, firstTokenS: 2, finishedS: 3, promptTokens: 20, cachedTokens: 16, answerTokens: 2 });
});

test('a server that does not tell what it reused has reused nothing', async (t) => {
  const answer = await ask(t, events(words('for'), { choices: [], usage: { prompt_tokens: 20, completion_tokens: 1 } }, '[DONE]'));
  t.equal(answer.cachedTokens, 0);
});

test('a refusal is told with its status and text', async (t) => {
  await t.rejects(ask(t, (_, response) => response.writeHead(503).end('too many')), { message: /answered 503: too many$/ });
});

test('an error in a stream is told', async (t) => {
  await t.rejects(ask(t, events(words('for'), { error: { message: 'engine died' } })), { message: /broke off: engine died$/ });
});

test('a stream that ends early is no answer', async (t) => {
  await t.rejects(ask(t, events(words('for'), usage)), { message: /without \[DONE\]$/ });
  await t.rejects(ask(t, events(words('for'), '[DONE]')), { message: /without usage$/ });
});
