// address.ts: how an endpoint is named, whatever source it was found by.

import type { StaticEndpointSettings } from './settings.ts';

/** An endpoint as a source knows it. */
export interface SourceAddress {
  readonly scheme: 'http' | 'https';
  /** A name, an IPv4 or a bare IPv6 address. */
  readonly host: string;
  readonly port: number;
  readonly kvCacheTokens?: number | 'auto' | undefined;
}

/** What the configuration lists. Names stay names: they are looked up by the operating system, and only when a connection is opened. */
export function staticAddresses(settings: readonly StaticEndpointSettings[]): readonly SourceAddress[] {
  return settings.map(({ url, kvCacheTokens }) => ({ ...addressOfUrl(url), kvCacheTokens }));
}

/** `host:port`, an IPv6 address in brackets. */
export function addressId(address: SourceAddress): string {
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}

/** The scheme, host and port of a URL; the rest of it is left out. Throws a TypeError for what is no URL. */
function addressOfUrl(url: string): SourceAddress {
  const { protocol, hostname, port } = new URL(url);
  const scheme = protocol === 'https:' ? 'https' : 'http';
  const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  return { scheme, host, port: port === '' ? (scheme === 'https' ? 443 : 80) : Number(port) };
}
