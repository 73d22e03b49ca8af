// The official clients repeat by themselves what fails. How often the engines are asked for one call depends on what the router tells them.

import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { test, type Test } from 'tap';
import { capturedBytes } from '../support/captures.ts';
import { sized, startRawUpstream, type RawRequest, type RawUpstream } from '../support/raw-upstream.ts';
import { rejection } from '../support/rejection.ts';
import { startTestRouter } from '../support/test-router.ts';

/** What an SDK does of itself: the first request and two more. */
const SDK_TRIES = 3;
const messages = [{ role: 'user' as const, content: 'hello' }];
const UNWATCHED = { slow_start_ms: 0, probe: { interval_ms: 60_000 }, scrape: { interval_ms: 60_000 } };

interface Stack {
  readonly openai: OpenAI;
  readonly anthropic: Anthropic;
  readonly upstreams: readonly RawUpstream[];
  /** Requests that the SDK has sent. */
  sent(): number;
  /** Requests that engines have got. */
  asked(): number;
}

async function start(t: Test, count: number, onRequest: (request: RawRequest) => void, keys: Record<string, unknown> = {}): Promise<Stack> {
  const upstreams = await Promise.all(Array.from({ length: count }, () => startRawUpstream(t, onRequest)));
  const { url } = await startTestRouter(t, { pools: [{ endpoints: upstreams.map((upstream) => upstream.url), ...UNWATCHED }], ...keys });
  let sent = 0;
  const counted: typeof fetch = (input, init) => {
    sent += 1;
    return fetch(input, init);
  };
  return {
    openai: new OpenAI({ apiKey: 'k', baseURL: `${url}/v1`, fetch: counted }),
    anthropic: new Anthropic({ apiKey: 'k', baseURL: url, fetch: counted }),
    upstreams,
    sent: () => sent,
    asked: () => upstreams.flatMap(({ requests }) => requests).length,
  };
}

test('two overloaded endpoints are asked once each, not three times', async (t) => {
  for (const sdk of ['openai', 'anthropic'] as const) {
    const { openai, anthropic, sent, asked } = await start(t, 2, ({ socket }) => void socket.end(capturedBytes('overload')));
    const create = sdk === 'openai' ? openai.chat.completions.create({ model: 'm', messages }) : anthropic.messages.create({ model: 'm', messages, max_tokens: 5 });
    t.match(await rejection(create), { status: 503, message: /currently busy/ });
    t.equal(sent(), 1, sdk);
    t.equal(asked(), 2, sdk);
  }
});

test('two endpoints that break the connection are asked once each', async (t) => {
  const { openai, sent, asked } = await start(t, 2, ({ socket }) => void socket.resetAndDestroy());
  t.match(await rejection(openai.chat.completions.create({ model: 'm', messages })), { status: 502 });
  t.equal(sent(), 1);
  t.equal(asked(), 2);
});

test('what took until a limit is not asked for again', async (t) => {
  const { openai, sent, asked } = await start(t, 1, () => {}, { timeouts: { total_ms: 200 } });
  t.match(await rejection(openai.chat.completions.create({ model: 'm', messages })), { status: 504 });
  t.equal(sent(), 1);
  t.equal(asked(), 1);
});

test('an error that one endpoint gave once is the SDK\'s to repeat, as it would be without a router', async (t) => {
  const { openai, sent, asked } = await start(t, 1, ({ socket }) => void socket.end(sized(500, '{"error":{"message":"no"}}')));
  t.match(await rejection(openai.chat.completions.create({ model: 'm', messages })), { status: 500 });
  t.equal(sent(), SDK_TRIES);
  t.equal(asked(), SDK_TRIES);
});

test('a refusal by the router is repeated when it says, and asks no engine', async (t) => {
  const { openai, anthropic, upstreams, sent, asked } = await start(t, 1, () => {});
  await upstreams[0]!.close();
  // Finds out that nothing listens there.
  await rejection(openai.chat.completions.create({ model: 'm', messages }, { maxRetries: 0 }));
  const before = sent();
  const startedMs = performance.now();
  const refused = await rejection(openai.chat.completions.create({ model: 'm', messages }));
  t.match(refused, { status: 503 });
  t.match((refused as InstanceType<typeof OpenAI.APIError>).headers?.get('x-should-retry'), 'true');
  t.match((refused as InstanceType<typeof OpenAI.APIError>).headers?.get('retry-after'), /^[1-9]\d*$/);
  t.equal(sent() - before, SDK_TRIES);
  t.ok(performance.now() - startedMs >= 2 * 1000 * 0.9, 'a second before each');
  t.match(await rejection(anthropic.messages.create({ model: 'm', messages, max_tokens: 5 }, { maxRetries: 1 })), { status: 503 });
  t.equal(sent() - before, SDK_TRIES + 2);
  t.equal(asked(), 0);
});
