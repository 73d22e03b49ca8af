// listeners.ts: the ports that are open: opened before a configuration holds, closed without cutting anyone off after it has ended.

import type { Server } from 'node:https';
import { createSecureContext } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import type { FastifyInstance } from 'fastify';
import type { Config } from './config/config.ts';
import type { Log } from './observe/log.ts';
import { drain, type DrainLimits } from './server/drain.ts';
import { certificates, type ListenerTls } from './server/listener-tls.ts';

/** A listener as the configuration wants it. */
export interface Port {
  readonly kind: 'clients' | 'admin';
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly tls?: ListenerTls | undefined;
}

/** What serves a port. */
export interface PortServer {
  readonly app: FastifyInstance;
  /** Another configuration holds. The address is the same, the name may not be. */
  update(port: Port): void;
}

/** Makes what serves a port, not listening yet. */
export type CreateServer = (port: Port) => PortServer;

/** A port that cannot be opened. The message names listener and address. */
export class ListenError extends Error {}

interface OpenPort {
  port: Port;
  readonly server: PortServer;
  readonly url: string;
  /** Lets in the requests that came before the configuration held for which the port was opened. */
  begin(): void;
}

/** Ports for a configuration that does not hold yet. */
export interface PreparedPorts {
  readonly next: readonly { readonly open: OpenPort; readonly port: Port }[];
  readonly opened: readonly OpenPort[];
}

export function portsOf({ listeners, admin }: Config): readonly Port[] {
  return [...listeners.map(({ name, host, port, tls }): Port => ({ kind: 'clients', name, host, port, tls })), { kind: 'admin', name: 'admin', host: admin.host, port: admin.port }];
}

export class Listeners {
  #open: readonly OpenPort[] = [];
  readonly #create: CreateServer;
  readonly #log: Log;
  readonly #leaving = new Map<OpenPort, Promise<void>>();
  readonly #cutOff = new AbortController();

  constructor(create: CreateServer, log: Log) {
    this.#create = create;
    this.#log = log;
  }

  /** By name. */
  get urls(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#open.map(({ port, url }) => [port.name, url]));
  }

  /**
   * Opens the ports that are not open yet. What comes in there waits for the switch.
   *
   * Rejects with ListenError when one cannot be opened, with everything as it was.
   */
  async prepare(ports: readonly Port[]): Promise<PreparedPorts> {
    const next: { open: OpenPort; port: Port }[] = [];
    const opened: OpenPort[] = [];
    for (const port of ports) {
      let open = this.#open.find((each) => isSamePort(each.port, port));
      try {
        checkTls(port, open?.port);
        if (open === undefined) opened.push((open = await listen(port, this.#create)));
      } catch (error) {
        await this.abandon({ next, opened });
        throw new ListenError(`listener '${port.name}' cannot listen: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      }
      next.push({ open, port });
    }
    return { next, opened };
  }

  /** Closes again what was opened. */
  async abandon({ opened }: PreparedPorts): Promise<void> {
    for (const { server } of opened) {
      const closed = server.app.close();
      server.app.server.closeAllConnections();
      await closed;
    }
  }

  /** The prepared ports are those that are open; of the others each finishes what it has, within `limits.deadlineMs`. */
  switchTo({ next, opened }: PreparedPorts, limits: DrainLimits): void {
    const kept = new Set(next.map(({ open }) => open));
    const gone = this.#open.filter((open) => !kept.has(open));
    this.#open = next.map(({ open }) => open);
    for (const { open, port } of next) {
      if (port.tls !== undefined && !isDeepStrictEqual(port.tls, open.port.tls)) (open.server.app.server as Server).setSecureContext(certificates(port.tls));
      open.port = port;
      open.server.update(port);
    }
    for (const open of opened) {
      this.#log.listening(open.port.name, open.url);
      open.begin();
    }
    for (const open of gone) this.#letGo(open, limits);
  }

  /** Closes the ports for clients as `drain` does, with those that are leaving already, then the one for operators. `force` cuts off what still runs. */
  async close(limits: DrainLimits, force: AbortSignal, onPhase: Parameters<typeof drain>[3]): Promise<void> {
    const appsOf = (kind: Port['kind'], ports: Iterable<OpenPort>): FastifyInstance[] => [...ports].filter(({ port }) => port.kind === kind).map(({ server }) => server.app);
    await drain(appsOf('clients', [...this.#open, ...this.#leaving.keys()]), limits, force, onPhase);
    this.#cutOff.abort();
    await Promise.all([...this.#leaving.values(), ...appsOf('admin', this.#open).map((app) => app.close())]);
  }

  #letGo(open: OpenPort, { deadlineMs }: DrainLimits): void {
    const { server, port, url } = open;
    this.#log.listenerLeaves(port.name, url);
    // In the next turn at the earliest, so whoever asked the admin listener for the reload that moves it has the answer.
    const closed = drain([server.app], { settleMs: 0, deadlineMs }, this.#cutOff.signal, () => {}).finally(() => this.#leaving.delete(open));
    this.#leaving.set(open, closed);
  }
}

/** A free port is nobody else's, so it is the name that tells whether it is the same. */
function isSamePort(a: Port, b: Port): boolean {
  return a.kind === b.kind && a.host === b.host && a.port === b.port && (a.port !== 0 || a.name === b.name);
}

/** Throws when it cannot be had: certificates that OpenSSL does not take, or a change that an open port cannot make. */
function checkTls({ tls }: Port, open: Port | undefined): void {
  if (tls !== undefined) createSecureContext(certificates(tls));
  if (open === undefined) return;
  if ((tls === undefined) !== (open.tls === undefined)) throw new Error('an open port cannot begin or cease to have tls; move it to another port');
  if ((tls?.clientCa === undefined) !== (open.tls?.clientCa === undefined)) throw new Error('an open port cannot begin or cease to have tls.client_ca_file; move it to another port');
}

async function listen(port: Port, create: CreateServer): Promise<OpenPort> {
  let began = false;
  const waiting: (() => void)[] = [];
  const server = create(port);
  server.app.addHook('onRequest', (_request, _reply, done) => {
    if (began) done();
    else waiting.push(done);
  });
  const begin = (): void => {
    began = true;
    for (const admit of waiting.splice(0)) admit();
  };
  try {
    const url = await server.app.listen({ host: port.host, port: port.port });
    return { port, server, url, begin };
  } catch (error) {
    await server.app.close();
    throw error;
  }
}
