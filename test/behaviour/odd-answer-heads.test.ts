// Heads of answers that no vLLM writes, but something in front of one might.

import { test, type Test } from 'tap';
import { call, type Answer } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, startRawUpstream } from '../support/raw-upstream.ts';
import { CHAT } from '../support/surfaces.ts';
import { startTestRouter, type TestRouter } from '../support/test-router.ts';

interface Result {
  readonly answer: Answer;
  readonly requests: number;
  readonly router: TestRouter;
}

/** One request that an endpoint answers with these bytes and then closes, beside a second one like it. */
async function answered(t: Test, bytes: string, stream: boolean): Promise<Result> {
  const upstreams = await Promise.all([0, 1].map(() => startRawUpstream(t, ({ socket }) => socket.end(bytes, 'latin1'))));
  const router = await startTestRouter(t, { endpoints: upstreams.map(({ url }) => url) });
  const answer = await call(t, router.url, { path: CHAT.path, body: CHAT.body('hello', stream) });
  t.same((await router.endpoints()).map(({ in_flight }) => in_flight), [0, 0]);
  return { answer, requests: upstreams.flatMap(({ requests }) => requests).length, router };
}

const WHOLE = CHAT.opening + CHAT.delta('hello') + CHAT.terminal;

test('two lines of content-type: the answer passes, and is asked for once', async (t) => {
  const body = '{"id":"a"}';
  const { answer, requests } = await answered(t, `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\n\r\n${body}`, false);
  t.match(answer, { status: 200, whole: true });
  t.equal(answer.body.toString(), body);
  t.equal(requests, 1);
});

test('a stream is one in whatever case its type is written: without its terminal event it is cut', async (t) => {
  const { answer, router } = await answered(t, `HTTP/1.1 200 OK\r\ncontent-type: Text/Event-Stream\r\ntransfer-encoding: chunked\r\n\r\n${chunk(CHAT.opening + CHAT.delta('hel')).toString()}${LAST_CHUNK}`, true);
  t.match(answer, { status: 200, whole: false });
  t.equal(await router.metric('warmroute_requests_total', { outcome: 'truncated' }), 1);
});

test('words beside the status pass as they came, and those that nobody can write are left out', async (t) => {
  const stream = `content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n${chunk(WHOLE).toString()}${LAST_CHUNK}`;
  const passed = await answered(t, `HTTP/1.1 200 Very w\u00e9ll\r\n${stream}`, true);
  t.match(passed.answer, { status: 200, whole: true });
  t.equal(passed.answer.body.toString(), WHOLE);
  t.equal(passed.requests, 1);
});

test('an answer that ends with its connection, in the middle of its JSON, is truncated', async (t) => {
  const { answer, router } = await answered(t, 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{"id":"half', false);
  t.match(answer, { status: 200, whole: false });
  t.equal(await router.metric('warmroute_requests_total', { outcome: 'truncated' }), 1);
});

test('one that ends with its connection after its last brace is whole', async (t) => {
  const { answer, router } = await answered(t, 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{"id":"whole"}\n', false);
  t.match(answer, { status: 200, whole: true });
  t.equal(await router.metric('warmroute_requests_total', { outcome: 'complete' }), 1);
});
