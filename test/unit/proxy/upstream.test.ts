// What errors of connections to endpoints mean.

import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'tap';
import { buildConnector, errors } from 'undici';
import { connectionOptions, outcomeOfError, outcomeOfRequestError } from '../../../src/proxy/upstream.ts';

const withCode = (code: string, more: object = {}): Error => Object.assign(new Error(code), { code, ...more });

test('an error before there was a connection is unreachable, and says whether nothing listens', (t) => {
  t.same(outcomeOfError(withCode('ECONNREFUSED'), false, false), { kind: 'unreachable', refused: true });
  t.same(outcomeOfError(withCode('EHOSTUNREACH'), false, false), { kind: 'unreachable', refused: false });
  t.same(outcomeOfError(new AggregateError([withCode('ECONNREFUSED'), withCode('ECONNREFUSED')]), false, false), { kind: 'unreachable', refused: true }, 'both address families');
  t.end();
});

test('an error after it is a reset, stale only when the connection had been used and nothing came back', (t) => {
  const used = withCode('UND_ERR_SOCKET', { socket: { bytesRead: 10 } });
  const fresh = withCode('UND_ERR_SOCKET', { socket: { bytesRead: 0 } });
  t.same(outcomeOfError(used, true, false), { kind: 'reset', stale: true });
  t.same(outcomeOfError(used, true, true), { kind: 'reset', stale: false });
  t.same(outcomeOfError(fresh, true, false), { kind: 'reset', stale: false });
  t.same(outcomeOfError(withCode('ECONNRESET'), true, false), { kind: 'reset', stale: false });
  t.end();
});

test('an error alone tells the phase: connecting, waiting for the answer, in the middle of it', (t) => {
  t.same(outcomeOfRequestError(withCode('ECONNREFUSED', { syscall: 'connect' })), { kind: 'unreachable', refused: true });
  t.same(outcomeOfRequestError(withCode('ENOTFOUND', { syscall: 'getaddrinfo' })), { kind: 'unreachable', refused: false });
  t.same(outcomeOfRequestError(new errors.ConnectTimeoutError()), { kind: 'unreachable', refused: false });
  t.same(outcomeOfRequestError(new errors.HeadersTimeoutError()), { kind: 'timeout', limit: 'first_byte_ms' });
  t.same(outcomeOfRequestError(new errors.BodyTimeoutError()), { kind: 'timeout', limit: 'idle_ms' });
  t.same(outcomeOfRequestError(withCode('ECONNRESET', { syscall: 'read' })), { kind: 'reset', stale: false });
  t.end();
});

test('connections that are destroyed with one error, used or not, are each closed and nothing is thrown', async (t) => {
  let accepted = 0;
  const server = createServer((socket) => void (accepted++ === 0 ? socket.write('x') : socket.resume()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const connect = connectionOptions(buildConnector({ timeout: 1000 })).connect as buildConnector.connector;
  const { port } = server.address() as AddressInfo;
  const open = (): Promise<Socket> =>
    new Promise((resolve, reject) => {
      connect({ hostname: '127.0.0.1', host: `127.0.0.1:${port}`, protocol: 'http:', port: String(port) }, (...result) => (result[1] === null ? reject(result[0]) : resolve(result[1])));
    });
  const used = await open();
  await once(used, 'readable');
  const unused = await open();
  const shared = new Error('stopped');
  for (const socket of [used, unused]) socket.on('error', () => {});
  for (const socket of [used, unused]) {
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.destroy(shared);
    await closed;
  }
  t.same(outcomeOfError(shared, true, false), { kind: 'reset', stale: false }, 'the last one counts');
});
