// tls-front.ts: TLS in front of an upstream, and what it was shown.

import { connect } from 'node:net';
import { createServer, type TlsOptions, type TLSSocket } from 'node:tls';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import type { Certificate } from './certificates.ts';
import type { RawUpstream } from './raw-upstream.ts';

export interface TlsFront {
  /** `https://localhost:port` */
  readonly url: string;
  /** Names that connections have asked for. */
  readonly names: ReadonlySet<string>;
  /** Common names of certificates that were shown. */
  readonly shown: ReadonlySet<string>;
  /** Of finished handshakes. */
  connections(): number;
  show(certificate: Certificate): void;
}

export async function startTlsFront(t: Test, upstream: RawUpstream, options: TlsOptions): Promise<TlsFront> {
  const sockets = new Set<TLSSocket>();
  const [names, shown] = [new Set<string>(), new Set<string>()];
  let connections = 0;
  const server = createServer(options, (socket) => {
    connections += 1;
    sockets.add(socket);
    if (typeof socket.servername === 'string') names.add(socket.servername);
    const { subject } = socket.getPeerCertificate();
    if (subject !== undefined) shown.add(String(subject.CN));
    const { hostname, port } = new URL(upstream.url);
    const behind = connect(Number(port), hostname);
    for (const [one, other] of [[socket, behind], [behind, socket]] as const) one.on('error', () => {}).on('close', () => other.destroy()).pipe(other);
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `https://localhost:${(server.address() as AddressInfo).port}`, names, shown, connections: () => connections, show: (certificate) => server.setSecureContext({ ...options, ...certificate }) };
}
