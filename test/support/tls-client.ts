// tls-client.ts: a client that trusts the test CA, and the files that a router is given.

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import type { Test } from 'tap';
import { connect, type ConnectionOptions, type SecureVersion, type TLSSocket } from 'node:tls';
import { CA, type Certificate } from './certificates.ts';
import { readAnswer, requestBytes, type Answer, type Sent } from './raw-client.ts';

/** A connection whose handshake is done; rejects when there is none. */
export async function openTls(t: Test, url: string, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const { port } = new URL(url);
  const socket = connect({ host: '127.0.0.1', port: Number(port), ca: CA, servername: 'localhost', ...options });
  t.teardown(() => socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

/** Sends one request and resolves with its answer when the connection is gone; rejects when it breaks. */
export async function callTls(t: Test, url: string, sent: Sent, options: ConnectionOptions = {}): Promise<Answer> {
  const socket = await openTls(t, url, options);
  socket.write(requestBytes(sent));
  return readAnswer(await bytesOf(socket));
}

/** The first bytes of a client that speaks at most this version. */
export async function clientHello(maxVersion: SecureVersion): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = new Duplex({ read() {}, write: (bytes: Buffer) => resolve(bytes) });
    connect({ socket, servername: 'localhost', maxVersion });
  });
}

/** All that comes until the connection ends. */
export async function bytesOf(socket: TLSSocket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const bytes of socket) chunks.push(bytes as Buffer);
  return Buffer.concat(chunks);
}

/** Writes certificate and key into the folder; gives their paths as the configuration names them. */
export function filesOf(folder: string, name: string, { cert, key }: Certificate): { readonly cert_file: string; readonly key_file: string } {
  const files = { cert_file: join(folder, `${name}.crt`), key_file: join(folder, `${name}.key`) };
  writeFileSync(files.cert_file, cert);
  writeFileSync(files.key_file, key);
  return files;
}

export function caFile(folder: string, text: string): string {
  const file = join(folder, 'ca.crt');
  writeFileSync(file, text);
  return file;
}
