// An engine that is told to stop gives requests up with a 200 that has nothing in it: no client takes that for an answer.

import { test, type Test } from 'tap';
import { call } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, sized, startRawUpstream, STREAM_HEAD, type RawRequest } from '../support/raw-upstream.ts';
import { CHAT, streamOf, SURFACES, type SurfaceCase } from '../support/surfaces.ts';
import { startTestRouter, type TestRouter } from '../support/test-router.ts';

const COMPLETIONS = SURFACES[1]!;
const USAGE = 'data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":0}}\n\n';
const aborted = (choice: object): string => `data: ${JSON.stringify({ id: 'c', choices: [{ index: 0, ...choice, finish_reason: 'abort' }] })}\n\n`;
const streamed = (events: string): Buffer => Buffer.from(STREAM_HEAD + chunk(events).toString() + LAST_CHUNK);
const plain = (choice: object): Buffer => sized(200, JSON.stringify({ choices: [{ index: 0, ...choice, finish_reason: 'abort' }] }));

async function start(t: Test, count: number, onRequest: (request: RawRequest) => void): Promise<TestRouter & { asked(): number }> {
  const upstreams = await Promise.all(Array.from({ length: count }, () => startRawUpstream(t, onRequest)));
  const router = await startTestRouter(t, { endpoints: upstreams.map(({ url }) => url) });
  return { ...router, asked: () => upstreams.flatMap(({ requests }) => requests).length };
}

const CASES: readonly (readonly [how: string, surface: SurfaceCase, stream: boolean, bytes: Buffer])[] = [
  ['a stream', CHAT, true, streamed(CHAT.opening + aborted({ delta: { content: '' } }) + USAGE + CHAT.terminal)],
  ['a stream', COMPLETIONS, true, streamed(aborted({ text: '' }) + USAGE + COMPLETIONS.terminal)],
  ['an answer', CHAT, false, plain({ message: { role: 'assistant', content: '' } })],
  ['an answer', CHAT, false, plain({ message: { role: 'assistant', content: null, tool_calls: [] } })],
  ['an answer', COMPLETIONS, false, plain({ text: '' })],
  ['the beginning of an answer', CHAT, false, plain({ message: { role: 'assistant', content: 'hel' } })],
  ['a stream with its first token at its end', CHAT, true, streamed(CHAT.opening + aborted({ delta: { content: 'hel' } }) + USAGE + CHAT.terminal)],
];

for (const [how, surface, stream, bytes] of CASES) {
  test(`${surface.name}: ${how} that was given up before any of it went out comes from another endpoint`, async (t) => {
    let before = 0;
    const whole = stream ? streamed(streamOf(surface, ['hello'])) : sized(200, '{"choices":[]}');
    const { url, metric, endpoints, asked } = await start(t, 2, ({ socket }) => void socket.write(before++ === 0 ? bytes : whole));
    const answer = await call(t, url, { path: surface.path, body: surface.body('hello', stream) });
    t.match(answer, { status: 200, whole: true });
    t.notMatch(answer.body.toString(), 'abort');
    t.equal(asked(), 2);
    t.equal(await metric('warmroute_retries_total', { reason: 'aborted' }), 1);
    t.match(await endpoints(), [{ in_flight: 0, queued_prompt_tokens: 0 }, { in_flight: 0, queued_prompt_tokens: 0 }]);
  });

  test(`${surface.name}: ${how} that the only endpoint gave up is an error, not an empty answer`, async (t) => {
    const { url, metric } = await start(t, 1, ({ socket }) => void socket.write(bytes));
    const answer = await call(t, url, { path: surface.path, body: surface.body('hello', stream) });
    t.match(answer, { status: 502, whole: true });
    t.match(JSON.parse(answer.body.toString()), { error: { code: 'upstream_error', message: /gave the request up/ } });
    t.equal(await metric('warmroute_requests_total', { outcome: 'error', code: '502' }), 1);
  });
}

test('the role comes in a chunk of its own and the end in another: still nothing has gone to the client', async (t) => {
  let before = 0;
  const { url, asked } = await start(t, 2, ({ socket }) => {
    if (before++ > 0) socket.write(streamed(streamOf(CHAT, ['hello'])));
    else socket.write(STREAM_HEAD + chunk(CHAT.opening).toString(), () => setImmediate(() => socket.write(chunk(aborted({ delta: { content: '' } }) + CHAT.terminal).toString() + LAST_CHUNK)));
  });
  t.match(await call(t, url, { path: CHAT.path, body: CHAT.body('hello', true) }), { status: 200, whole: true, body: Buffer.from(streamOf(CHAT, ['hello'])) });
  t.equal(asked(), 2);
});

test('what is given up after its first token does not end as if it were whole, wherever its end is cut', async (t) => {
  const begun = CHAT.opening + CHAT.delta('hel');
  const event = aborted({ delta: { content: '' } });
  for (const at of [event.indexOf('"finish_reason"') + 3, event.indexOf('"abort"'), event.indexOf('abort"') + 2]) {
    const parts = [begun, event.slice(0, at), event.slice(at) + CHAT.terminal];
    const { url, asked } = await start(t, 1, ({ socket }) => {
      const next = (): void => {
        const part = parts.shift();
        if (part !== undefined) socket.write((part === begun ? STREAM_HEAD : '') + chunk(part).toString() + (parts.length === 0 ? LAST_CHUNK : ''), () => setImmediate(next));
      };
      next();
    });
    const answer = await call(t, url, { path: CHAT.path, body: CHAT.body('hello', true) });
    t.match(answer, { status: 200, whole: false });
    t.equal(answer.body.toString('utf8', 0, begun.length), begun);
    t.notMatch(answer.body.toString(), /\[DONE\]/);
    t.equal(asked(), 1);
  }
});

for (const [how, cut] of [['in chunks of its own', true], ['in one chunk with what came before', false]] as const) {
  test(`what is given up after its first token, ${how}, does not end as if it were whole: an error event and a cut connection`, async (t) => {
    const begun = CHAT.opening + CHAT.delta('hel');
    const end = aborted({ delta: { content: '' } }) + CHAT.terminal;
    const { url, asked } = await start(t, 2, ({ socket }) => {
      if (cut) socket.write(STREAM_HEAD + chunk(begun).toString(), () => setImmediate(() => socket.write(chunk(end).toString() + LAST_CHUNK)));
      else socket.write(streamed(begun + end));
    });
    const answer = await call(t, url, { path: CHAT.path, body: CHAT.body('hello', true) });
    t.match(answer, { status: 200, whole: false });
    t.equal(answer.body.toString('utf8', 0, begun.length), begun);
    t.match(answer.body.toString('utf8', begun.length), CHAT.errorEvent);
    t.notMatch(answer.body.toString(), /abort"|\[DONE\]/);
    t.equal(asked(), 1, 'it is not tried again');
  });
}
