// parts.ts: every room but the listeners, built from a configuration, and given another one while requests are under way.

import { randomBytes } from 'node:crypto';
import type { buildConnector } from 'undici';
import type { Config } from './config/config.ts';
import { createConnector } from './connector.ts';
import type { Choices } from './core/choice.ts';
import type { LastMinute } from './core/last-minute.ts';
import { likelyCause } from './dispatch/accuracy.ts';
import { PrefixDispatcher } from './dispatch/dispatcher.ts';
import type { EstimateEvents } from './dispatch/estimate.ts';
import { Estimates } from './dispatch/estimates.ts';
import type { DispatchSettings } from './dispatch/settings.ts';
import { endpointStatuses, modelStatuses } from './dispatch/status.ts';
import { createLastMinute } from './observe/last-minute.ts';
import { createLog, type Log, type LogOptions, type LogSettings } from './observe/log.ts';
import { createMetrics, type Metrics } from './observe/metrics.ts';
import { createObserver } from './observe/observer.ts';
import { systemDnsClient, type DnsClient } from './pool/dns.ts';
import type { Pools } from './pool/pools.ts';
import { timers, type Rhythm } from './pool/schedule.ts';
import { createPromptReader } from './prompt/read.ts';
import type { ForwardDeps } from './proxy/forward.ts';
import { Sweep } from './proxy/sweep.ts';
import { createUpstream } from './proxy/upstream.ts';
import { authenticateBy, type Authenticate } from './server/authenticate.ts';
import { ClientLimits, type InFlightLimits } from './server/client-limits.ts';
import { watchEndpoints } from './watch-endpoints.ts';

/** What the listeners share. */
export interface Parts {
  /** What holds now. */
  readonly config: Config;
  /** How requests that begin now are forwarded. Never changes: another configuration brings another one. */
  readonly forward: ForwardDeps;
  /** Opens connections to endpoints. */
  readonly connect: buildConnector.connector;
  /** As the keys of now have it. */
  readonly authenticate: Authenticate;
  readonly clientLimits: ClientLimits;
  readonly log: Log;
  readonly pools: Pools;
  readonly estimates: Estimates;
  readonly metrics: Metrics;
  readonly choices: Choices;
  readonly lastMinute: LastMinute;
  /** Requests that wait for a slot, and the bytes of their bodies. */
  readonly waiting: () => { readonly requests: number; readonly bytes: number };
  /** On its way out: not ready, but still serving. */
  leaving: boolean;
  /** Takes over another configuration in one go. Requests under way keep what they began with; what is known of endpoints stays. */
  reconfigure(config: Config): void;
  closeConnections(): Promise<void>;
}

export interface PartsOptions {
  readonly config: Config;
  readonly version: string;
  /** Standard output when left out. */
  readonly logDestination?: LogOptions['destination'];
  /** The system's name servers when left out. */
  readonly dnsClient?: () => DnsClient;
}

const SECRET_BYTES = 32;
const MODEL_LABELS_MAX = 1000;

/** Endpoints are probed from here on. */
export function createParts({ config, version, logDestination, dnsClient = systemDnsClient }: PartsOptions): Parts {
  const rhythm: Rhythm = { clock: () => performance.now(), random: Math.random, schedule: timers };
  const { clock, random } = rhythm;
  const log = createLog({ ...logSettings(config), random, ...(logDestination === undefined ? {} : { destination: logDestination }) });
  const estimates = new Estimates(config.prefix, { onComplaint: complainTo(log) });
  const endpoints = watchEndpoints(config.pools, { rhythm, estimates, log, dnsClient });
  const { pools } = endpoints;
  const metrics = createMetrics({
    version,
    modelsMax: MODEL_LABELS_MAX,
    endpointStatuses: () => endpointStatuses(pools.all(), estimates, clock()),
    modelStatuses: () => modelStatuses(estimates),
    waiting: () => dispatcher.waiting,
  });
  const lastMinute = createLastMinute(clock);
  const dispatcher = new PrefixDispatcher({ pools, estimates, clock, random, schedule: timers }, dispatchSettings(config));
  const connect = createConnector({
    get connectMs() {
      return parts.config.timeouts.connectMs;
    },
    tlsOf: (id) => pools.byId(id)?.settings.tls,
  });
  const upstream = createUpstream(connect);
  const unchanging = {
    dispatcher,
    readPrompt: createPromptReader({ secret: randomBytes(SECRET_BYTES) }).read,
    upstream,
    // How precise it is stays as it was at the start, to a quarter of a second at least.
    sweep: new Sweep(clock, shortestMs(config)),
    clock,
    observer: createObserver(log, metrics, lastMinute),
    unexpected: (error: unknown) => log.unexpected('request', error),
  };
  const forwardAs = ({ timeouts, retry, admission, prefix }: Config): ForwardDeps => ({
    ...unchanging,
    tenantSecret: prefix.tenants === 'isolate' ? prefix.tenantSecret : undefined,
    limits: timeouts,
    attemptsMax: retry.attemptsMax,
    keepAliveCommentMs: admission.keepAliveCommentMs,
  });

  const parts = {
    config,
    forward: forwardAs(config),
    connect,
    authenticate: authenticateBy(config.clients),
    clientLimits: new ClientLimits(inFlightLimits(config)),
    log,
    pools,
    estimates,
    metrics,
    choices: dispatcher.choices,
    lastMinute,
    waiting: () => dispatcher.waiting,
    leaving: false,
    reconfigure(next: Config) {
      parts.config = next;
      parts.forward = forwardAs(next);
      parts.authenticate = authenticateBy(next.clients);
      parts.clientLimits.reconfigure(inFlightLimits(next));
      log.reconfigure(logSettings(next));
      estimates.reconfigure(next.prefix);
      endpoints.reconfigure(next.pools);
      dispatcher.reconfigure(dispatchSettings(next));
    },
    async closeConnections() {
      endpoints.stop();
      await upstream.destroy();
    },
  };
  return parts;
}

function complainTo(log: Log): EstimateEvents['onComplaint'] {
  return ({ endpoint, accuracy, traffic }, complaint) => {
    if (complaint === 'no-details') log.cachedTokensMissing(endpoint.address);
    else if (complaint === 'no-usage') log.usageMissing(endpoint.address);
    else log.predictionsInaccurate(endpoint.address, accuracy.recentErrorRatio, likelyCause(endpoint.samples.at(-1)?.prefixCaching, traffic.othersRatio));
  };
}

function logSettings({ log, prefix }: Config): LogSettings {
  return { level: log.level, sampleRatio: log.sampleRatio, matchRatioMin: prefix.matchRatioMin };
}

/** A tenant without any share could not send anything; one that may have all is held back by the router's own limit alone. */
function inFlightLimits({ clients, admission: { inFlightMax, tenantInFlightRatio } }: Config): InFlightLimits {
  const limited = clients.flatMap(({ name, inFlightMax }): [string, number][] => (inFlightMax === undefined ? [] : [[name, inFlightMax]]));
  return { clients: new Map(limited), tenant: tenantInFlightRatio === 1 ? Infinity : Math.max(1, Math.floor(inFlightMax * tenantInFlightRatio)) };
}

function dispatchSettings({ listeners, models, prefix, admission, retry }: Config): DispatchSettings {
  return { listeners, models, prefix, admission, retry };
}

function shortestMs({ timeouts: { firstByteMs, idleMs, clientStallMs, totalMs }, admission: { keepAliveCommentMs } }: Config): number {
  return Math.min(firstByteMs, idleMs, clientStallMs, totalMs, keepAliveCommentMs === 0 ? totalMs : keepAliveCommentMs);
}
