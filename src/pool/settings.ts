// settings.ts: what a pool is told by its configuration.

import type { EndpointAddress } from '../core/dispatcher.ts';

export interface PoolSettings {
  readonly name: string;
  readonly endpoints: readonly StaticEndpointSettings[];
  readonly dns?: DnsSettings | undefined;
  /** Empty is none. */
  readonly apiKey?: string | undefined;
  readonly tls?: EndpointTls | undefined;
  /** Others send traffic to these endpoints too. */
  readonly shared: boolean;
  /** Takes requests that are routed by load. */
  readonly byLoad: boolean;
  /** `ask`: engines are asked for usage at the end of streams whose clients do not want it. */
  readonly usage: 'passive' | 'ask';
  readonly probe: ProbeSettings;
  readonly scrape: ScrapeSettings;
  readonly ejection: EjectionSettings;
  /** Share of available endpoints (0..1) below which ejections by errors are ignored. */
  readonly panicRatio: number;
  readonly inFlightMax: number;
  readonly slowStartMs: number;
}

/** PEM texts, for connections by https. */
export interface EndpointTls {
  /** Who vouches for the endpoints; undefined: the well-known ones. */
  readonly ca?: string | undefined;
  /** The name that is asked for, and that their certificates must have; undefined: the host of the address. */
  readonly serverName?: string | undefined;
  /** What the router shows. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

export interface StaticEndpointSettings {
  /** `http://host:port`, the port left out when it is the scheme's own. */
  readonly url: string;
  /** `auto`: what the engine reports. Undefined: whatever holds for all endpoints. */
  readonly kvCacheTokens?: number | 'auto' | undefined;
}

/** What the configuration and the endpoint's source say of one endpoint. */
export interface Configured {
  readonly address: EndpointAddress;
  readonly settings: PoolSettings;
  readonly kvCacheTokens: number | 'auto' | undefined;
}

export interface DnsSettings {
  readonly name: string;
  readonly type: 'a+aaaa' | 'a' | 'aaaa' | 'srv';
  /** Of every endpoint found. SRV records carry their own. */
  readonly port?: number | undefined;
  readonly scheme: 'http' | 'https';
  readonly refreshIntervalMs: number;
}

interface ProbeSettings {
  readonly path: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Failed probes in a row. */
  readonly unhealthyAfter: number;
}

interface ScrapeSettings {
  readonly path: string;
  readonly intervalMs: number;
}

export interface EjectionSettings {
  /** 0 never ejects for that. */
  readonly errorsInRow: number;
  /** Failed requests as a share of all (0..1); 0 never ejects for that. */
  readonly errorRatio: number;
  /** Requests within the window for the ratio to count. */
  readonly requestsMin: number;
  readonly windowMs: number;
  /** How long the first ejection lasts; each further one lasts twice as long. */
  readonly baseMs: number;
  readonly maxMs: number;
}
