// listener-tls.ts: what a listener shows and asks for when a connection begins.

import type { SecureContextOptions, TlsOptions } from 'node:tls';

/** PEM texts. */
export interface ListenerTls {
  readonly cert: string;
  readonly key: string;
  /** Who vouches for clients; undefined: they show no certificate. */
  readonly clientCa?: string | undefined;
}

/** A client that says nothing holds up a router that stops. */
const HANDSHAKE_MS = 10_000;

/** What may change while the listener is open. */
export function certificates({ cert, key, clientCa }: ListenerTls): SecureContextOptions {
  return { minVersion: 'TLSv1.2', cert, key, ...(clientCa === undefined ? {} : { ca: clientCa }) };
}

export function serverOptions(tls: ListenerTls): TlsOptions {
  return { ...certificates(tls), handshakeTimeout: HANDSHAKE_MS, requestCert: tls.clientCa !== undefined, rejectUnauthorized: true };
}
