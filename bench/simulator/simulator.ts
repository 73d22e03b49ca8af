// simulator.ts: a vLLM V1 server that is not there: its HTTP surface, its scheduler and its prefix cache, on one port.

import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { noFaults, readFault, strikeOn, type Fault } from './fault.ts';
import { Exchange } from './http/exchange.ts';
import { engineDeadError } from './http/api-error.ts';
import { answer, handlerName } from './http/routes.ts';
import { Journal, newEntry, type JournalEntry } from './journal.ts';
import { completeOptions, type SimulatorOptions } from './options.ts';
import { Serving } from './serving.ts';

export interface SimulatorState {
  readonly running: number;
  readonly waiting: number;
  /** Requests that reached the server but not yet the scheduler. */
  readonly arriving: number;
  readonly openStreams: number;
  readonly kvUsage: number;
  /** Unix time in seconds. */
  readonly startedS: number;
  readonly requests: readonly JournalEntry[];
}

export interface Simulator {
  readonly url: string;
  readonly port: number;
  readonly options: SimulatorOptions;
  state(): SimulatorState;
  fault(fault: Fault): Promise<void>;
  /** Resets what is open. Idempotent. */
  close(): Promise<void>;
}

/** Probes and scrapes would drown the rest of the journal. */
const unrecorded = new Set(['/health', '/metrics', '/ping', '/v1/models', '/version']);

/** uvicorn closes an idle connection after this; it announces it nowhere. */
const KEEP_ALIVE_MS = 5000;

/** The real server refuses connections within a second of being told to stop. */
const STOP_CLOSE_MS = 500;

export async function startSimulator(given: Partial<SimulatorOptions> = {}): Promise<Simulator> {
  const host = new Host(completeOptions(given));
  await host.listen(host.options.port);
  return host;
}

class Host implements Simulator {
  readonly options: SimulatorOptions;
  port = 0;
  #serving: Serving;
  #faults = noFaults();
  readonly #journal = new Journal();
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #streams = new Set<Exchange>();
  #keepAlive: NodeJS.Timeout | undefined;
  #restart: NodeJS.Timeout | undefined;
  #stopping: NodeJS.Timeout | undefined;

  constructor(options: SimulatorOptions) {
    this.options = options;
    this.#serving = new Serving(options);
  }

  get url(): string {
    return `http://${this.options.host === '0.0.0.0' ? '127.0.0.1' : this.options.host}:${this.port}`;
  }

  async listen(port: number): Promise<void> {
    const server = createServer({ requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: KEEP_ALIVE_MS, keepAliveTimeoutBuffer: 0 });
    server.on('request', (request, response) => void this.#handle(request, response));
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, this.options.host, resolve);
    });
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    const intervalMs = this.options.sseKeepAliveIntervalS * 1000;
    if (intervalMs > 0) this.#keepAlive = setInterval(() => this.#commentOnIdleStreams(intervalMs), intervalMs / 4);
  }

  state(): SimulatorState {
    const { engine, metrics } = this.#serving;
    return {
      running: engine.running,
      waiting: engine.waiting,
      arriving: engine.arriving,
      openStreams: this.#streams.size,
      kvUsage: engine.usage,
      startedS: metrics.startedS,
      requests: this.#journal.entries(),
    };
  }

  async fault(fault: Fault): Promise<void> {
    const faults = this.#faults;
    const left = 'times' in fault && fault.times !== undefined ? fault.times : Infinity;
    const path = 'path' in fault && fault.path !== undefined ? fault.path : '/';
    switch (fault.kind) {
      case 'die':
        return this.#shut();
      case 'restart':
        return this.#startAgain(fault.downMs ?? 0);
      case 'hang':
        faults.hang = { path, left };
        return;
      case 'reset':
        faults.reset = { path, left };
        return;
      case 'hang-streams':
        faults.hangStreams = true;
        return;
      case 'status':
        faults.status = { status: fault.status, path, left };
        return;
      case 'cut':
        faults.cut = { afterEvents: fault.afterEvents, clean: fault.clean ?? false, left };
        return;
      case 'error-first':
        faults.errorFirst = { status: fault.status ?? 503, left };
        return;
      case 'abort':
        faults.abort = { left: fault.times ?? 0 };
        return this.#serving.abortAll();
      case 'drain':
        faults.drain = true;
        return;
      case 'stop':
        return this.#beginStopping(fault.manner, fault.closeMs ?? STOP_CLOSE_MS);
      case 'engine-dead':
        faults.engineDead = true;
        return this.#serving.failAll(engineDeadError());
      case 'sleep':
        faults.asleep = true;
        this.#serving.engine.flush();
        return this.#serving.pause();
      case 'pause':
        return this.#serving.pause();
      case 'flush':
        return this.#serving.engine.flush();
      case 'slow':
        this.#serving.slowFactor = fault.factor;
        return;
      case 'heal':
        if (faults.stopping) return;
        this.#faults = noFaults();
        this.#serving.slowFactor = 1;
        return this.#serving.resume();
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#restart);
    this.#serving.stop();
    await this.#shut();
  }

  #beginStopping(manner: 'abort' | 'silent', closeMs: number): void {
    const faults = this.#faults;
    faults.stopping = true;
    if (manner === 'abort') {
      faults.abort = { left: Infinity };
      this.#serving.abortAll();
    } else {
      faults.hangStreams = true;
      this.#serving.pause();
    }
    // Open connections stay; `shut` resets them later.
    this.#stopping = setTimeout(() => this.#server?.close(), closeMs);
  }

  async #shut(): Promise<void> {
    clearInterval(this.#keepAlive);
    clearTimeout(this.#stopping);
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await closed;
    this.#serving.stop();
  }

  async #startAgain(downMs: number): Promise<void> {
    await this.#shut();
    this.#serving = new Serving(this.options);
    this.#faults = noFaults();
    await new Promise<void>((resolve) => {
      this.#restart = setTimeout(resolve, downMs);
    });
    await this.listen(this.port);
  }

  #commentOnIdleStreams(intervalMs: number): void {
    const now = Date.now();
    for (const exchange of this.#streams) {
      if (exchange.streaming && now - exchange.lastWriteMs >= intervalMs) exchange.comment();
    }
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? '/';
    const path = url.includes('?') ? url.slice(0, url.indexOf('?')) : url;
    if (path.startsWith('/sim/')) return this.#control(path, request, response);
    const given = request.headers['x-request-id'];
    const id = typeof given === 'string' && given !== '' ? given : randomBytes(8).toString('hex');
    const record = { id, method: request.method ?? 'GET', path, headers: request.headers };
    const entry = unrecorded.has(path) ? newEntry(record) : this.#journal.open(record);
    const exchange = new Exchange(request, response, { path, id, entry }, () => this.#faults.hangStreams, this.options.requestIdHeaders);
    this.#streams.add(exchange);
    response.on('close', () => {
      this.#streams.delete(exchange);
      if (this.#server?.listening === false) request.socket.end();
      if (entry.outcome === 'open') entry.outcome = response.writableFinished ? 'finished' : 'aborted';
      if (entry.status !== undefined) this.#serving.metrics.countHttp(handlerName(path), entry.method, entry.status);
    });
    if (strikeOn(this.#faults.hang, path) !== undefined) return;
    if (strikeOn(this.#faults.reset, path) !== undefined) return exchange.reset();
    const status = strikeOn(this.#faults.status, path);
    if (status !== undefined) {
      exchange.reply(status.status, JSON.stringify({ error: { message: 'simulated failure', type: 'InternalServerError', param: null, code: status.status } }));
      return;
    }
    await answer(exchange, this.#serving, this.#faults);
  }

  async #control(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (path === '/sim/state') return reply(200, this.state());
    if (path === '/sim/open') return reply(200, [...this.#streams].filter((exchange) => !unrecorded.has(exchange.path)).map(({ id }) => id));
    if (path !== '/sim/fault' || request.method !== 'POST') return reply(404, { error: 'wanted GET /sim/state, GET /sim/open or POST /sim/fault' });
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const fault = readFault(JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>);
      // Answered first, as these two close this connection too.
      if (fault.kind === 'die' || fault.kind === 'restart') response.on('close', () => void this.fault(fault));
      else await this.fault(fault);
      reply(200, { fault: fault.kind });
    } catch (error) {
      reply(400, { error: String(error) });
    }
  }
}
