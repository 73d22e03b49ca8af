// fault-world.ts: the shipped dispatcher, pools and probes in virtual time, among endpoints and clients to which anything happens.

import type { Clock } from '../../src/core/clock.ts';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { seededRandom, type Random } from '../../src/core/random.ts';
import type { Assignment } from '../../src/core/dispatcher.ts';
import type { DispatchSettings } from '../../src/dispatch/settings.ts';
import { PrefixDispatcher } from '../../src/dispatch/dispatcher.ts';
import { Estimates } from '../../src/dispatch/estimates.ts';
import { endpointStatuses } from '../../src/dispatch/status.ts';
import type { SourceAddress } from '../../src/pool/address.ts';
import { isInPanic } from '../../src/pool/availability.ts';
import { createMonitor } from '../../src/pool/monitor.ts';
import { Pools } from '../../src/pool/pools.ts';
import type { Schedule } from '../../src/pool/schedule.ts';
import { createPromptReader } from '../../src/prompt/read.ts';
import { ModelledClient, type ClientWorld, type End } from './modelled-client.ts';
import { ModelledEndpoint, MOODS } from './modelled-endpoint.ts';
import { VirtualClock } from './virtual-clock.ts';

const ENDPOINTS = 5;
const PORT = 8000;
const BODY_BYTES = 1000;
const CONFIG = configured({
  listeners: [{ name: 'prefix', port: 0 }],
  pools: [{ name: 'pool', endpoints: ['http://10.0.0.1:8000'], in_flight_max: 6, slow_start_ms: 5000, ejection: { base_ms: 3000 } }],
  models: ['critical', 'standard', 'sheddable'].map((criticality) => ({ name: criticality, criticality, targets: [{ pool: 'pool', model: 'm' }] })),
  prefix: { kv_cache_tokens: 2000 },
  admission: { queue_length_max: 20, queue_bytes_max: 15 * BODY_BYTES, queue_wait_max_ms: 2000 },
});
const POOL = CONFIG.pools[0]!;
const READER = createPromptReader({ secret: new Uint8Array(32) });
const ENCODER = new TextEncoder();
/** The queue looks at who waited too long this often. */
const QUEUE_TICK_MS = 50;
const GAP_MEAN_MS = 60;
const TROUBLE_MEAN_MS = 3000;
const TROUBLE_MS_MAX = 12_000;

export class FaultWorld implements ClientWorld {
  readonly random: Random;
  readonly dispatcher: PrefixDispatcher;
  readonly clock: Clock;
  readonly schedule: Schedule;
  /** What was decided, in order. */
  readonly choices: string[] = [];
  readonly ends = new Map<End, number>();
  accepted = 0;
  readonly #time = new VirtualClock();
  readonly #pools: Pools;
  readonly #estimates = new Estimates(CONFIG.prefix);
  readonly #endpoints = new Map<string, ModelledEndpoint>();
  /** By the last configuration. */
  #named: readonly SourceAddress[] = [];
  /** Refused a connection, and no probe has succeeded since. */
  readonly #refusing = new Set<string>();
  readonly #clients = new Set<ModelledClient>();
  #inFlightMax = 25;
  #isQuiet = false;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    const { clock, schedule } = this.#time;
    this.clock = clock;
    this.schedule = schedule;
    const estimates = this.#estimates;
    const monitor = createMonitor((request) => this.endpointOf(request.origin.slice('http://'.length)).get(request), { clock, schedule, random: seededRandom(seed + 1) });
    this.#pools = new Pools(
      [POOL],
      {
        onJoined: (endpoint) => monitor.watch(endpoint),
        onLeft(endpoint) {
          monitor.unwatch(endpoint);
          estimates.drop(endpoint);
        },
        onHealth: (endpoint, up) => void (up && this.#refusing.delete(endpoint.address.id)),
        onEjected() {},
        onReturned() {},
        onHalted() {},
        onPanic() {},
        onRestart: (endpoint) => estimates.forget(endpoint),
        onSample: (endpoint) => estimates.noteSample(endpoint),
      },
      clock,
      schedule,
    );
    for (let at = 0; at < ENDPOINTS; at++) {
      const host = `10.0.0.${at + 1}`;
      this.#endpoints.set(`${host}:${PORT}`, new ModelledEndpoint(host, clock, schedule));
    }
    this.#nameEndpoints();
    this.dispatcher = new PrefixDispatcher({ pools: this.#pools, estimates, clock, random: this.random, schedule }, settingsOf(this.#inFlightMax));
    this.#arrivals();
    this.#troubles();
  }

  /** `eachStep` is called after everything that happens. */
  async run(durationMs: number, eachStep: () => void): Promise<void> {
    const endMs = this.clock() + durationMs;
    while (await this.#time.step(endMs)) eachStep();
  }

  /** No client comes and nothing breaks any more; all endpoints recover. */
  calmDown(): void {
    this.#isQuiet = true;
    for (const endpoint of this.#endpoints.values()) endpoint.recover();
  }

  endpointOf(id: string): ModelledEndpoint {
    return this.#endpoints.get(id)!;
  }

  onAssigned(client: ModelledClient, { endpoint }: Assignment): void {
    const { id } = endpoint;
    this.choices.push(`${Math.round(this.clock())} ${id}`);
    if (client.attempts >= 2) throw new Error(`I5: a third attempt, at ${id}`);
    if (!this.#named.some(({ host }) => id === `${host}:${PORT}`)) throw new Error(`I7: ${id} got a request after it was removed`);
    const state = this.#pools.byId(id)!;
    if (state.draining || state.ejectedUntilProbe || state.health !== 'healthy' || state.halted !== undefined) throw new Error(`I7: ${id} got a request while it was out`);
    const panics = state.ejectedBecause === 'errors' && isInPanic(this.#pools.all(), 'm');
    if (state.ejectionAt(this.clock()) === 'ejected' && !panics) throw new Error(`I7: ${id} got a request while it was ejected`);
    if (this.#refusing.has(id)) throw new Error(`I7: ${id} got a request after it refused one, and before a probe`);
  }

  onEnd(client: ModelledClient, end: End): void {
    this.#clients.delete(client);
    this.choices.push(end);
    this.ends.set(end, (this.ends.get(end) ?? 0) + 1);
  }

  /** Throws when an invariant does not hold now. */
  check(): void {
    this.#checkClients();
    this.#checkQueue();
    this.#checkEndpoints();
  }

  #checkClients(): void {
    const ended = [...this.ends.values()].reduce((sum, each) => sum + each, 0);
    if (this.accepted !== ended + this.#clients.size) throw new Error(`I2: ${this.accepted} accepted, ${ended} ended, ${this.#clients.size} open`);
    for (const { state, assignment } of this.#clients) {
      if (state === 'new' || state === 'ended') throw new Error(`I1: a client is kept that is ${state}`);
      if (state === 'running' && assignment === undefined) throw new Error('I1: a client runs nowhere');
    }
  }

  #checkQueue(): void {
    const nowMs = this.clock();
    const { requests, bytes } = this.dispatcher.waiting;
    const waiting = [...this.#clients].filter(({ state }) => state === 'waiting');
    if (requests !== waiting.length || bytes !== requests * BODY_BYTES) throw new Error(`I3: ${requests} requests of ${bytes} bytes are in the queue, and ${waiting.length} wait`);
    const longestMs = Math.max(0, ...waiting.map(({ waitingSinceMs }) => nowMs - waitingSinceMs));
    if (longestMs > CONFIG.admission.queueWaitMaxMs + QUEUE_TICK_MS) throw new Error(`I1: a client has waited ${longestMs} ms`);
  }

  #checkEndpoints(): void {
    const running = new Map<string, number>();
    for (const { assignment } of this.#clients) {
      if (assignment !== undefined) running.set(assignment.endpoint.id, (running.get(assignment.endpoint.id) ?? 0) + 1);
    }
    for (const { id, inFlight, queuedPromptTokens, index } of endpointStatuses(this.#pools.all(), this.#estimates, this.clock())) {
      if (inFlight !== (running.get(id) ?? 0)) throw new Error(`I3: ${id} counts ${inFlight} in flight, and ${running.get(id) ?? 0} are`);
      if (queuedPromptTokens < 0 || (inFlight === 0 && queuedPromptTokens !== 0)) throw new Error(`I3: ${queuedPromptTokens} queued tokens of ${inFlight} requests at ${id}`);
      // What runs takes room that nobody can take from it.
      if (inFlight === 0 && index.tokens > index.capacityTokens) throw new Error(`I9: the index of ${id} holds ${index.tokens} of ${index.capacityTokens} tokens`);
      running.delete(id);
    }
    if (running.size > 0) throw new Error(`I3: requests run at ${[...running.keys()].join(', ')}, of which nothing is known`);
  }

  get open(): number {
    return this.#clients.size;
  }

  #arrivals(): void {
    this.schedule(-GAP_MEAN_MS * Math.log(1 - this.random()), () => {
      if (this.#isQuiet) return;
      this.#arrivals();
      const client = new ModelledClient(this, this.#prompt());
      this.accepted += 1;
      this.#clients.add(client);
      client.begin();
      if (this.random() < 0.1) this.schedule(3000 * this.random(), () => client.leave());
    });
  }

  /** One of some conversations, some turns long. */
  #prompt() {
    const [conversation, turns] = [Math.floor(30 * this.random()), 1 + Math.floor(4 * this.random())];
    const messages = Array.from({ length: 2 * turns - 1 }, (_, at) => ({ role: at % 2 === 0 ? 'user' : 'assistant', content: `${conversation} ${at} ${'word '.repeat(20 + conversation)}` }));
    const { name } = CONFIG.models[Math.floor(CONFIG.models.length * this.random())]!;
    return READER.read('chat', ENCODER.encode(JSON.stringify({ model: name, messages })));
  }

  #troubles(): void {
    this.schedule(-TROUBLE_MEAN_MS * Math.log(1 - this.random()), () => {
      if (this.#isQuiet) return;
      this.#troubles();
      if (this.random() < 0.2) this.#reload();
      else this.#trouble([...this.#endpoints.values()][Math.floor(ENDPOINTS * this.random())]!);
    });
  }

  #trouble(endpoint: ModelledEndpoint): void {
    if (endpoint.mood !== 'well') return;
    endpoint.mood = MOODS[Math.floor(MOODS.length * this.random())]!;
    this.schedule(TROUBLE_MS_MAX * this.random(), () => endpoint.recover());
    if (endpoint.mood !== 'dead') return;
    const id = `${endpoint.host}:${PORT}`;
    for (const client of this.#clients) if (client.assignment?.endpoint.id === id) client.broken();
  }

  #reload(): void {
    this.#nameEndpoints();
    this.#inFlightMax = 15 + Math.floor(20 * this.random());
    this.dispatcher.reconfigure(settingsOf(this.#inFlightMax));
  }

  /** Most of them; those that are left out drain. */
  #nameEndpoints(): void {
    const named = [...this.#endpoints.values()].filter(() => this.#named.length === 0 || this.random() < 0.8);
    this.#named = named.map(({ host }) => ({ scheme: 'http' as const, host, port: PORT }));
    this.#pools.apply(POOL.name, 'static', this.#named);
  }

  onRefused(id: string): void {
    this.#refusing.add(id);
  }
}

function settingsOf(inFlightMax: number): DispatchSettings {
  return { ...CONFIG, admission: { ...CONFIG.admission, inFlightMax } };
}

function configured(keys: object): Config {
  const loaded = loadConfig({ path: 'warmroute.yaml', env: {}, readFile: () => JSON.stringify(keys) });
  if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}
