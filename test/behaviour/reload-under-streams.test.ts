// Reload after reload while a hundred streams run: every client gets exactly the bytes of its own stream, in order, to the end.

import { test } from 'tap';
import { openConnection, readAnswer, requestBytes, type Connection } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, startRawUpstream, STREAM_HEAD, type RawRequest } from '../support/raw-upstream.ts';
import { RELOADED, startReloadableRouter } from '../support/reloadable-router.ts';
import { CHAT, streamOf } from '../support/surfaces.ts';
import { eventually, type TestRouterOptions } from '../support/test-router.ts';

const STREAMS = 100;
const RELOADS = 20;

test('none of a hundred streams is lost or mixed by twenty reloads that change everything', async (t) => {
  const running: RawRequest[] = [];
  const onRequest = (request: RawRequest): void => {
    running.push(request);
    request.socket.write(STREAM_HEAD + chunk(CHAT.opening).toString());
  };
  const upstreams = [await startRawUpstream(t, onRequest), await startRawUpstream(t, onRequest), await startRawUpstream(t, onRequest)];
  const policies = ['prefix-cost', 'round-robin', 'least-request', 'random', 'prefix-threshold'];
  const revision = (at: number): TestRouterOptions => ({
    // One endpoint less each time, another one; the first listener stays, the second is another each time.
    pools: [{ name: `pool-${at % 2}`, endpoints: upstreams.filter((_, i) => i !== at % 3).map(({ url }) => url), slow_start_ms: 0, api_key: `key-${at}` }],
    listeners: [
      { name: 'prefix', host: '127.0.0.1', port: 0, policy: policies[at % policies.length] },
      { name: `other-${at}`, host: '127.0.0.1', port: 0, policy: 'random' },
    ],
    timeouts: { connect_ms: 5000 + at, first_byte_ms: 60_000 + at, idle_ms: 60_000 + 10_000 * at },
    admission: { body_bytes_max: 1_000_000 + at },
    shutdown: { settle_ms: 0, deadline_ms: 60_000 },
  });
  const router = await startReloadableRouter(t, revision(0));

  const clients: { readonly client: Connection; readonly id: string }[] = [];
  const open = async (id: string): Promise<void> => {
    const other = Object.entries(router.router.urls).find(([name]) => name.startsWith('other'))?.[1] ?? '';
    const client = await openConnection(t, clients.length % 2 === 0 ? router.url : other);
    client.socket.write(requestBytes({ path: CHAT.path, body: CHAT.body(id, true) }));
    clients.push({ client, id });
  };
  /** Its own id, and how often it was heard of: whatever is lost, doubled, or another's shows. */
  const tell = (step: number): void => {
    for (const { socket, body } of running) socket.write(chunk(CHAT.delta(`${idIn(body)}.${step}`)));
  };

  for (let at = 1; at <= RELOADS; at += 1) {
    for (let i = 0; i < STREAMS / RELOADS; i += 1) await open(`stream-${at}-${i}`);
    await eventually(() => running.length === clients.length);
    tell(at);
    t.same(await router.reload(revision(at)), RELOADED);
  }
  tell(RELOADS + 1);
  for (const { socket } of running) socket.write(chunk(CHAT.terminal).toString() + LAST_CHUNK);
  for (const { client, id } of clients) {
    const answer = readAnswer(await client.closed);
    const first = Number(id.split('-')[1]);
    const steps = Array.from({ length: RELOADS + 2 - first }, (_, i) => `${id}.${first + i}`);
    if (!answer.whole || answer.body.toString() !== streamOf(CHAT, steps)) t.fail(`${id} is not as it was sent`, { answer: answer.body.toString() });
  }
  t.equal(clients.length, STREAMS);
  t.equal(running.length, STREAMS, 'none was sent twice');
  t.equal(await router.metric('warmroute_requests_total', { outcome: 'complete' }), STREAMS);
  t.equal(await router.metric('warmroute_config_reloads_total', { result: 'failed' }), 0);
  t.equal(await router.metric('warmroute_in_flight_requests'), 0);
});

function idIn(body: Buffer): string {
  return /stream-\d+-\d+/.exec(body.toString())?.[0] ?? '';
}
