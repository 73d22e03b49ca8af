// DNS stops naming an endpoint, or says nothing at all, while a stream runs there.

import { test } from 'tap';
import { call, openConnection, readAnswer, requestBytes } from '../support/raw-client.ts';
import { chunk, LAST_CHUNK, startRawUpstream, STREAM_HEAD, type RawRequest } from '../support/raw-upstream.ts';
import { CHAT, streamOf } from '../support/surfaces.ts';
import { eventually, startTestRouter } from '../support/test-router.ts';
import { startDnsServer } from '../unit/pool/dns-server.ts';

const body = CHAT.body('hello', true);
const begin = ({ socket }: RawRequest): void => void socket.write(STREAM_HEAD + chunk(CHAT.opening).toString());
const end = ({ socket }: RawRequest): void => void socket.write(chunk(CHAT.delta('x') + CHAT.terminal).toString() + LAST_CHUNK);

test('an endpoint that DNS no longer names finishes its stream and gets no more; while DNS fails or names nobody, all goes on', async (t) => {
  const dns = await startDnsServer(t);
  const say = (...addresses: string[]): void => void dns.replies.set('A vllm.test', addresses.map((address) => ({ address, ttl: 0 })));
  const first = await startRawUpstream(t, begin);
  const port = Number(new URL(first.url).port);
  const second = await startRawUpstream(t, (request) => (begin(request), end(request)), { port, host: '127.0.0.2' });
  say('127.0.0.1');
  const pools = [{ slow_start_ms: 0, dns: { name: 'vllm.test', type: 'a', port, refresh_interval_ms: 10 } }];
  const { url, endpoints, lines } = await startTestRouter(t, { pools }, () => dns.client);
  const client = await openConnection(t, url);
  client.socket.write(requestBytes({ path: CHAT.path, body }));
  await client.until((bytes) => bytes.includes(CHAT.opening));

  for (const [reply, reason] of [['SERVFAIL', 'ESERVFAIL'], [[], 'no address'], ['NXDOMAIN', 'no address']] as const) {
    dns.replies.set('A vllm.test', reply);
    await eventually(() => lines().findLast(({ msg }) => msg === 'discovery failed, keeping the last endpoints')?.['reason'] === reason);
    t.match(await endpoints(), [{ id: first.id, available: true, in_flight: 1 }]);
  }

  say('127.0.0.2');
  await eventually(async () => (await endpoints()).some(({ unavailable_because }) => unavailable_because === 'draining'));
  t.match(await endpoints(), [{ id: first.id, draining_by: ['source'], in_flight: 1 }, { id: second.id, available: true }]);
  const asked = dns.asked.length;
  for (let i = 0; i < 3; i += 1) t.match(await call(t, url, { path: CHAT.path, body: CHAT.body(`${i}`, true) }), { status: 200, whole: true });
  t.equal(first.requests.length, 1);
  await eventually(() => dns.asked.length > asked + 3);
  end(await first.request(0));
  const answer = readAnswer(await client.closed);
  t.match(answer, { status: 200, whole: true });
  t.equal(answer.body.toString(), streamOf(CHAT, ['x']));

  say('127.0.0.1', '127.0.0.2');
  await eventually(async () => (await endpoints()).every(({ available }) => available));
  t.match(await endpoints(), [{ id: first.id, in_flight: 0 }, { id: second.id, in_flight: 0 }]);
});
