// app.ts: the composition root: puts the rooms together, opens the listeners, and closes everything in order.

import { servedNames } from './dispatch/models.ts';
import { endpointStatuses, modelStatuses } from './dispatch/status.ts';
import { Listeners, portsOf, type Port, type PortServer } from './listeners.ts';
import { createParts, type Parts, type PartsOptions } from './parts.ts';
import type { Pools } from './pool/pools.ts';
import { Reloads, type StartedWith } from './reload.ts';
import type { ReloadResult } from './server/admin-config.ts';
import { createAdmin } from './server/admin.ts';
import { BodyTotal } from './server/body-total.ts';
import { createClientListener, limitConnections } from './server/client-listener.ts';
import type { ClientListenerOptions } from './server/options.ts';
import { trustedProxies } from './server/trusted-proxies.ts';

export interface RouterOptions extends PartsOptions {
  /** Where the configuration came from; left out: the environment, which cannot be read again. */
  readonly file?: StartedWith | undefined;
}

/** A running router. */
export interface Router {
  /** URL of each listener by name; `admin` among them. Another configuration may bring others. */
  readonly urls: Readonly<Record<string, string>>;
  /** Resolves when every pool has a healthy endpoint whose models are known. */
  ready(): Promise<void>;
  /** Reads the configuration again and takes it over if it is good. Never rejects. */
  reload(): Promise<ReloadResult>;
  /** Not ready, serves for `settle_ms` more, finishes what runs, and resolves when all is closed. Called again it cuts off what still runs. */
  stop(): Promise<void>;
}

const READY_POLL_MS = 20;

/** Resolves when all listeners listen. Rejects when one cannot, with everything closed again. */
export async function startRouter(options: RouterOptions): Promise<Router> {
  const { config, version, file } = options;
  const parts = createParts(options);
  const shared: SharedByListeners = { startedS: Math.floor(Date.now() / 1000), bodies: new BodyTotal() };
  const listeners = new Listeners((port) => (port.kind === 'admin' ? adminServer(parts, reloads, version, port) : clientServer(parts, shared, port)), parts.log);
  const reloads = new Reloads(parts, listeners, file);
  try {
    listeners.switchTo(await listeners.prepare(portsOf(config)), config.shutdown);
  } catch (error) {
    await reloads.close();
    await parts.closeConnections();
    throw error;
  }

  const force = new AbortController();
  let stopping: Promise<void> | undefined;
  const stopOnce = async (): Promise<void> => {
    const { log, pools } = parts;
    const inFlight = (): number => pools.all().reduce((sum, endpoint) => sum + endpoint.inFlight, 0);
    parts.leaving = true;
    await reloads.close();
    await listeners.close(parts.config.shutdown, force.signal, (phase) => log.shutdown(phase, inFlight()));
    await parts.closeConnections();
    log.shutdown('done', inFlight());
  };
  return {
    get urls() {
      return listeners.urls;
    },
    ready: () => untilReady(parts.pools),
    reload: () => reloads.ask('signal'),
    stop() {
      if (stopping === undefined) stopping = stopOnce();
      else force.abort();
      return stopping;
    },
  };
}

type SharedByListeners = Pick<ClientListenerOptions, 'startedS' | 'bodies'>;

function clientServer(parts: Parts, shared: SharedByListeners, port: Port): PortServer {
  const { pools } = parts;
  const leaving = (): boolean => parts.leaving;
  const optionsFor = (name: string): ClientListenerOptions => {
    const { forward, config } = parts;
    const configured = new Map(config.models.map((model) => [model.name, model]));
    const listener = config.listeners.find((each) => each.name === name);
    return {
      ...shared,
      name,
      bodyBytesMax: config.admission.bodyBytesMax,
      bodyBytesTotalMax: config.admission.bodyBytesTotalMax,
      clientBodyMs: config.timeouts.clientBodyMs,
      connectionsMax: config.admission.connectionsMax,
      isTrustedProxy: trustedProxies(listener?.trustedProxies ?? []),
      corsOrigins: new Set(listener?.corsOrigins),
      debugHeaders: listener?.debugHeaders === true,
      forward,
      connect: parts.connect,
      authenticate: parts.authenticate,
      clientLimits: parts.clientLimits,
      servedModels: () => servedNames(configured, pools.all()),
      healthy: () => !leaving() && pools.readiness().ready,
      leaving,
    };
  };
  let options = optionsFor(port.name);
  const app = createClientListener(() => options, port.tls);
  return {
    app,
    update({ name }) {
      options = optionsFor(name);
      limitConnections(app.server, options);
    },
  };
}

function adminServer(parts: Parts, reloads: Reloads, version: string, { host }: Port): PortServer {
  const { pools, estimates, metrics, log, lastMinute, forward: { clock } } = parts;
  const statuses = () => endpointStatuses(pools.all(), estimates, clock());
  const app = createAdmin({
    version,
    access: () => ({ onLoopback: isLoopback(host), tokenSha256: parts.config.admin.tokenSha256 }),
    ready: () => (parts.leaving ? { ready: false, reasons: ['draining'] } : pools.readiness()),
    statuses,
    models: () => modelStatuses(estimates),
    waiting: () => parts.waiting().requests,
    metricsText: () => metrics.text(),
    metricsContentType: metrics.contentType,
    config: () => reloads.status(),
    reload: () => reloads.ask('admin'),
    setDrained(id, drained) {
      const endpoint = pools.byId(id);
      if (endpoint === undefined) return undefined;
      if (endpoint.drainedByAdmin !== drained) log.endpointDrained(endpoint.address, drained);
      endpoint.drainedByAdmin = drained;
      return statuses().find((status) => status.id === id);
    },
    choices: {
      choices: parts.choices,
      clock,
      listeners: () => parts.config.listeners.map(({ name }) => name),
      bodyBytesMax: () => parts.config.admission.bodyBytesMax,
      explain(listener, surface, body, tenant) {
        const { dispatcher, readPrompt, tenantSecret } = parts.forward;
        return dispatcher.explain({ facts: readPrompt(surface, body, tenantSecret === undefined ? undefined : tenant), listener, tenant, excluded: [] });
      },
    },
    page: { lastMinute, listeners: () => parts.config.listeners },
    unexpected: (error) => log.unexpected('admin', error),
  });
  // It asks for everything when a request comes.
  return { app, update() {} };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

async function untilReady(pools: Pools): Promise<void> {
  while (!pools.readiness().ready) await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
}
