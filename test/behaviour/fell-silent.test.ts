// An endpoint of which nothing is to be expected, and a request that hears nothing from it: it goes elsewhere, or the client is told, long before its limits.

import { test, type Test } from 'tap';
import { call, openConnection, readAnswer, requestBytes } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, startRawUpstream, STREAM_HEAD, type RawRequest, type RawUpstream } from '../support/raw-upstream.ts';
import { assignment, StubDispatcher, startForwarding, type Forwarding } from '../support/stub-dispatcher.ts';
import { CHAT, streamOf } from '../support/surfaces.ts';
import { eventually } from '../support/test-router.ts';

const body = CHAT.body('hello', true);
const whole = streamOf(CHAT, ['hello']);
const begun = CHAT.opening + CHAT.delta('hel');
const SILENT_MS = 2000;
/** Of limits that must not be what ends it. */
const LIMIT_MS = 60_000;

interface Silent extends Forwarding {
  readonly dispatcher: StubDispatcher;
  readonly silent: RawUpstream;
  readonly other: RawUpstream;
}

/** The first endpoint does this and no more; the second answers whole. */
async function start(t: Test, first: (request: RawRequest) => void): Promise<Silent> {
  const silent = await startRawUpstream(t, first);
  const other = await startRawUpstream(t, ({ socket }) => void socket.write(STREAM_HEAD + chunk(whole).toString() + LAST_CHUNK));
  const dispatcher = new StubDispatcher(assignment(1, silent.id), assignment(2, other.id));
  return { ...(await startForwarding(t, dispatcher)), dispatcher, silent, other };
}

const SILENCES: readonly (readonly [how: string, first: (request: RawRequest) => void])[] = [
  ['before any byte', () => {}],
  ['behind its 200', ({ socket }) => void socket.write(STREAM_HEAD)],
];

for (const state of ['gone', 'stuck'] as const) {
  for (const [how, first] of SILENCES) {
    test(`${state}, and silent ${how}: the request goes elsewhere after two seconds, outside of the budget`, async (t) => {
      const { url, dispatcher, silent, retries } = await start(t, first);
      dispatcher.state = state;
      const startedMs = performance.now();
      t.match(await call(t, url, { path: CHAT.path, body }), { status: 200, whole: true, body: Buffer.from(whole) });
      const tookMs = performance.now() - startedMs;
      t.ok(tookMs > SILENT_MS * 0.8 && tookMs < LIMIT_MS / 2, `${tookMs} ms`);
      t.same(dispatcher.finished[0], [1, { kind: 'lost' }]);
      t.match(dispatcher.asks[1], { retry: 'free', excluded: [silent.id] });
      t.same(retries, ['lost']);
      await silent.requests[0]!.closed;
    });
  }
}

test('gone in the middle of a stream: the client gets an error event and a cut connection', async (t) => {
  const { url, dispatcher, other } = await start(t, ({ socket }) => void socket.write(STREAM_HEAD + chunk(begun).toString()));
  dispatcher.state = 'gone';
  const answer = await call(t, url, { path: CHAT.path, body });
  t.match(answer, { status: 200, whole: false });
  t.equal(answer.body.toString('utf8', 0, begun.length), begun);
  t.match(answer.body.toString('utf8', begun.length), CHAT.errorEvent);
  t.same(dispatcher.finished, [[1, { kind: 'lost' }]]);
  t.equal(other.requests.length, 0);
});

test('stuck in the middle of a stream is not lost: it may go on', async (t) => {
  const { url, dispatcher, silent } = await start(t, ({ socket }) => void socket.write(STREAM_HEAD + chunk(begun).toString()));
  dispatcher.state = 'stuck';
  const answered = call(t, url, { path: CHAT.path, body });
  const { socket } = await silent.request(0);
  const startedMs = performance.now();
  await eventually(() => performance.now() - startedMs > SILENT_MS * 1.5);
  socket.write(chunk(CHAT.terminal).toString() + LAST_CHUNK);
  t.match(await answered, { status: 200, whole: true, body: Buffer.from(begun + CHAT.terminal) });
  t.match(dispatcher.finished, [[1, { kind: 'complete' }]]);
});

test('an endpoint that is up may be silent, and what is not silent is not lost', async (t) => {
  const { url, dispatcher, silent } = await start(t, () => {});
  const answered = call(t, url, { path: CHAT.path, body });
  const { socket } = await silent.request(0);
  const startedMs = performance.now();
  await eventually(() => performance.now() - startedMs > SILENT_MS * 1.2);
  t.ok(dispatcher.heard.length > 0 && dispatcher.heard.every((heard) => !heard), 'asked at each tick, and never told of bytes');
  socket.write(STREAM_HEAD + chunk(begun).toString());
  await eventually(() => dispatcher.heard.includes(true));
  dispatcher.state = 'gone';
  for (let i = 0; i < 6; i += 1) {
    const asked = dispatcher.heard.length;
    socket.write(chunk(CHAT.delta('lo')));
    const sentMs = performance.now();
    await eventually(() => dispatcher.heard.length > asked && performance.now() - sentMs > SILENT_MS / 4);
  }
  socket.write(chunk(CHAT.terminal).toString() + LAST_CHUNK);
  t.match(await answered, { status: 200, whole: true });
  t.match(dispatcher.finished, [[1, { kind: 'complete' }]]);
});

test('an attempt that waits for its client to read is not lost', async (t) => {
  const piece = chunk(CHAT.delta('x'.repeat(60_000)));
  const { url, dispatcher, silent } = await start(t, ({ socket }) => {
    socket.write(STREAM_HEAD + chunk(begun).toString());
    for (let i = 0; i < 400; i += 1) socket.write(piece);
    socket.write(chunk(CHAT.terminal).toString() + LAST_CHUNK);
  });
  dispatcher.state = 'gone';
  const client = await openConnection(t, url);
  client.socket.pause();
  client.socket.write(requestBytes({ path: CHAT.path, body }));
  await silent.request(0);
  const startedMs = performance.now();
  await eventually(() => performance.now() - startedMs > SILENT_MS * 1.5);
  client.socket.resume();
  t.match(readAnswer(await client.closed), { status: 200, whole: true });
  t.match(dispatcher.finished, [[1, { kind: 'complete' }]]);
});

test('a surface routed by load is given up too: a 502 before its answer, a cut connection in the middle', async (t) => {
  const head = 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n';
  for (const [first, wanted] of [['', { status: 502, whole: true }], [`${head}half`, { status: 200, whole: false, body: Buffer.from('half') }]] as const) {
    const { url, dispatcher, silent, records } = await start(t, ({ socket }) => void (first !== '' && socket.write(first)));
    dispatcher.state = 'gone';
    t.match(await call(t, url, { path: '/v1/embeddings', body: '{}' }), wanted);
    t.same(dispatcher.finished, [[1, { kind: 'lost' }]]);
    await eventually(() => records.length === 1);
    t.match(records, [{ outcome: 'error', reason: 'The model server fell silent.' }]);
    await silent.requests[0]!.closed;
  }
});
