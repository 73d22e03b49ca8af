// connector.ts: how connections to endpoints are opened: in time, and under what their pool says of certificates.

import { createSecureContext } from 'node:tls';
import { buildConnector } from 'undici';
import type { EndpointTls } from './pool/settings.ts';

/** Read whenever a connection is opened, so it may change. */
export interface ConnectSettings {
  /** For the connection and its TLS handshake. */
  readonly connectMs: number;
  /** What holds for an endpoint, by its `host:port`; undefined: the well-known certificates vouch for it. */
  tlsOf(id: string): EndpointTls | undefined;
}

const PLAIN: EndpointTls = {};

/** Certificates are always checked. Connections that are open stay as they are. */
export function createConnector(settings: ConnectSettings): buildConnector.connector {
  let builtMs = -1;
  // Each has sessions of its own: nobody is trusted for what another certificate has proved.
  let built = new WeakMap<EndpointTls, buildConnector.connector>();
  return (options, callback) => {
    const { connectMs } = settings;
    if (builtMs !== connectMs) {
      builtMs = connectMs;
      built = new WeakMap();
    }
    const tls = options.protocol === 'https:' ? (settings.tlsOf(options.port === '' ? `${options.host}:443` : options.host ?? '') ?? PLAIN) : PLAIN;
    let connect = built.get(tls);
    if (connect === undefined) built.set(tls, (connect = build(tls, connectMs)));
    connect(options, callback);
  };
}

function build(tls: EndpointTls, timeout: number): buildConnector.connector {
  if (tls === PLAIN) return buildConnector({ timeout });
  const { ca, cert, key, serverName } = tls;
  const secureContext = createSecureContext({ minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }), ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) });
  const connect = buildConnector({ timeout, secureContext });
  return serverName === undefined ? connect : (options, callback) => connect({ ...options, servername: serverName }, callback);
}
