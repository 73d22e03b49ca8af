// app.ts: the composition root: builds every room from the configuration, and starts and stops them in order.

import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Config } from './config/config.ts';
import { Estimates } from './dispatch/estimates.ts';
import { PrefixDispatcher } from './dispatch/dispatcher.ts';
import { likelyCause } from './dispatch/accuracy.ts';
import { servedNames } from './dispatch/models.ts';
import { endpointStatuses, modelStatuses } from './dispatch/status.ts';
import { createLog, type Log } from './observe/log.ts';
import { createMetrics } from './observe/metrics.ts';
import { createObserver } from './observe/observer.ts';
import type { Pools } from './pool/pools.ts';
import { timers, type Rhythm } from './pool/schedule.ts';
import { createPromptReader } from './prompt/read.ts';
import type { ForwardDeps } from './proxy/forward.ts';
import { Sweep } from './proxy/sweep.ts';
import { createUpstream } from './proxy/upstream.ts';
import { createAdmin } from './server/admin.ts';
import { createClientListener } from './server/client-listener.ts';
import { drain } from './server/drain.ts';
import { watchEndpoints } from './watch-endpoints.ts';

export interface RouterOptions {
  readonly config: Config;
  readonly version: string;
  /** Standard output when left out. */
  readonly logDestination?: Parameters<typeof createLog>[0]['destination'];
}

/** A running router. */
export interface Router {
  /** URL of each listener by name; `admin` among them. */
  readonly urls: Readonly<Record<string, string>>;
  /** Resolves when every pool has a healthy endpoint whose models are known. */
  ready(): Promise<void>;
  /** Not ready, serves for `settle_ms` more, finishes what runs, and resolves when all is closed. Called again it cuts off what still runs. */
  stop(): Promise<void>;
}

const SECRET_BYTES = 32;
const MODEL_LABELS_MAX = 1000;
const READY_POLL_MS = 20;

/** What the listeners share. */
interface Parts {
  readonly config: Config;
  readonly version: string;
  readonly log: Log;
  readonly pools: Pools;
  readonly estimates: Estimates;
  readonly forward: ForwardDeps;
  readonly metrics: ReturnType<typeof createMetrics>;
  /** On its way out: not ready, but still serving. */
  leaving: boolean;
  closeConnections(): Promise<void>;
}

/** Resolves when all listeners listen. Rejects when one cannot, with everything closed again. */
export async function startRouter(options: RouterOptions): Promise<Router> {
  const parts = buildParts(options);
  const { config, log, pools } = parts;
  const clients = clientListeners(parts);
  const admin = adminListener(parts);
  const close = async (): Promise<void> => {
    await admin.close();
    await parts.closeConnections();
  };

  const urls: Record<string, string> = {};
  try {
    for (const { name, host, port, app } of [...clients, { name: 'admin', ...config.admin, app: admin }]) {
      urls[name] = await app.listen({ host, port });
      log.listening(name, urls[name]);
    }
  } catch (error) {
    await Promise.all(clients.map(({ app }) => app.close()));
    await close();
    throw error;
  }

  const force = new AbortController();
  let stopping: Promise<void> | undefined;
  const stopOnce = async (): Promise<void> => {
    const inFlight = (): number => pools.all().reduce((sum, endpoint) => sum + endpoint.inFlight, 0);
    parts.leaving = true;
    await drain(
      clients.map(({ app }) => app),
      config.shutdown,
      force.signal,
      (phase) => log.shutdown(phase, inFlight()),
    );
    await close();
    log.shutdown('done', inFlight());
  };
  return {
    urls,
    ready: () => untilReady(pools),
    stop() {
      if (stopping === undefined) stopping = stopOnce();
      else force.abort();
      return stopping;
    },
  };
}

function buildParts({ config, version, logDestination }: RouterOptions): Parts {
  const rhythm: Rhythm = { clock: () => performance.now(), random: Math.random, schedule: timers };
  const { clock, random } = rhythm;
  const log = createLog({
    level: config.log.level,
    sampleRatio: config.log.sampleRatio,
    matchRatioMin: config.prefix.matchRatioMin,
    random,
    ...(logDestination === undefined ? {} : { destination: logDestination }),
  });
  const estimates = new Estimates(config.prefix, {
    onComplaint: ({ endpoint, accuracy, traffic }, complaint) => {
      if (complaint === 'no-details') log.cachedTokensMissing(endpoint.address);
      else log.predictionsInaccurate(endpoint.address, accuracy.recentErrorRatio, likelyCause(endpoint.samples.at(-1)?.prefixCaching, traffic.othersRatio));
    },
  });
  const { pools, stop } = watchEndpoints(config.pools, rhythm, estimates, log);
  const metrics = createMetrics({
    version,
    modelsMax: MODEL_LABELS_MAX,
    endpointStatuses: () => endpointStatuses(pools.all(), estimates, clock()),
    modelStatuses: () => modelStatuses(estimates),
  });
  const limits = config.timeouts;
  const upstream = createUpstream({ connectMs: limits.connectMs });
  const forward: ForwardDeps = {
    dispatcher: new PrefixDispatcher(
      { pools, estimates, clock, random, schedule: timers },
      { listeners: config.listeners, models: config.models, prefix: config.prefix, admission: config.admission, retry: config.retry },
    ),
    readPrompt: createPromptReader({ secret: randomBytes(SECRET_BYTES) }).read,
    upstream,
    sweep: new Sweep(clock, Math.min(limits.firstByteMs, limits.idleMs, limits.clientStallMs, limits.totalMs)),
    clock,
    observer: createObserver(log, metrics),
    limits,
    attemptsMax: config.retry.attemptsMax,
    unexpected: (error) => log.unexpected('request', error),
  };
  const closeConnections = async (): Promise<void> => {
    stop();
    await upstream.destroy();
  };
  return { config, version, log, pools, estimates, forward, metrics, leaving: false, closeConnections };
}

interface ClientPort {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly app: FastifyInstance;
}

function clientListeners(parts: Parts): ClientPort[] {
  const { config, pools, forward } = parts;
  const configured = new Map(config.models.map((model) => [model.name, model]));
  const shared = {
    bodyBytesMax: config.admission.bodyBytesMax,
    forward,
    connectMs: config.timeouts.connectMs,
    servedModels: () => servedNames(configured, pools.all()),
    startedS: Math.floor(Date.now() / 1000),
    healthy: () => !parts.leaving && pools.readiness().ready,
    leaving: () => parts.leaving,
  };
  return config.listeners.map(({ name, host, port }) => ({ name, host, port, app: createClientListener({ name, ...shared }) }));
}

function adminListener(parts: Parts): FastifyInstance {
  const { version, pools, estimates, metrics, log, forward } = parts;
  return createAdmin({
    version,
    onLoopback: isLoopback(parts.config.admin.host),
    ready: () => (parts.leaving ? { ready: false, reasons: ['draining'] } : pools.readiness()),
    statuses: () => endpointStatuses(pools.all(), estimates, forward.clock()),
    models: () => modelStatuses(estimates),
    metricsText: () => metrics.text(),
    metricsContentType: metrics.contentType,
    unexpected: (error) => log.unexpected('admin', error),
  });
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

async function untilReady(pools: Pools): Promise<void> {
  while (!pools.readiness().ready) await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
}
