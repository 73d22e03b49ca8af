// run.ts: one workload against one router over simulated replicas, in virtual time.

import type { Outcome } from '../../src/core/dispatcher.ts';
import { seededRandom, type Random } from '../../src/core/random.ts';
import { type Preset } from '../simulator/engine/step-time.ts';
import { EventQueue } from './event-queue.ts';
import type { Exchange } from './exchange.ts';
import { type Gauge, createGauge } from './gauge.ts';
import { BLOCK_TOKENS, PromptWriter } from './prompt-writer.ts';
import { Replica } from './replica.ts';
import type { Router, RouterOptions } from './router.ts';
import { missingFrom, type Situation } from './situation.ts';

export interface Fleet {
  readonly replicas: number;
  readonly preset: Preset;
}

/** What a workload can do. */
export interface Stage {
  readonly nowS: number;
  at(timeS: number, event: () => void): void;
  prompt(): PromptWriter;
  /** Sends what was written so far and appends the answer to it, for the next turn. */
  send(request: Sending): void;
}

export interface Sending {
  readonly prompt: PromptWriter;
  readonly session: number;
  readonly answerId: number;
  readonly answerTokens: number;
  /** The answer is complete, or the request has failed. */
  readonly onDone?: ((nowS: number) => void) | undefined;
}

/** Lets its requests arrive. */
export type Workload = (stage: Stage, seed: number) => void;

export interface RunOptions {
  readonly fleet: Fleet;
  readonly workload: Workload;
  readonly seed: number;
  readonly router: (options: RouterOptions) => Router;
  readonly situation: Situation;
}

export interface Run {
  /** In the order of their arrival. */
  readonly exchanges: readonly Exchange[];
  readonly gauge: Gauge;
  readonly endS: number;
}

const ATTEMPTS_MAX = 3;
const GAUGE_EVERY_S = 1;

export function run(options: RunOptions): Run {
  const lab = new Lab(options);
  lab.play();
  return { exchanges: lab.exchanges, gauge: lab.gauge, endS: lab.queue.nowS };
}

class Lab implements Stage {
  readonly queue = new EventQueue();
  readonly exchanges: Exchange[] = [];
  readonly gauge: Gauge;
  readonly #options: RunOptions;
  readonly #router: Router;
  readonly #replicas: Replica[] = [];
  readonly #inFlight: Set<Exchange>[] = [];
  readonly #chance: Random;
  /** Events of the workload that are to come, and requests without an end. */
  #pending = 0;

  constructor(options: RunOptions) {
    this.#options = options;
    const { seed, fleet } = options;
    this.#chance = seededRandom(seed * 7919 + 13);
    this.#router = options.router({ nowMs: () => this.queue.nowS * 1000, seed, capacityTokens: fleet.preset.kvTokens });
    this.gauge = createGauge();
  }

  get nowS(): number {
    return this.queue.nowS;
  }

  play(): void {
    const { fleet, situation, workload, seed } = this.#options;
    for (let i = 0; i < fleet.replicas; i++) this.#addReplica();
    for (const { atS, replica, downS } of situation.restarts) this.at(atS, () => this.#restart(replica, downS));
    for (const { atS, replica } of situation.flushes) this.at(atS, () => this.#replicas[replica]!.engine.flush());
    for (const atS of situation.joins) this.at(atS, () => this.#addReplica());
    workload(this, seed);
    const { scrapeEveryS } = this.#router;
    if (scrapeEveryS !== undefined) this.#repeat(scrapeEveryS, () => this.#scrape());
    this.#repeat(GAUGE_EVERY_S, () => this.gauge.note(this.#inFlight.map((exchanges) => exchanges.size)));
    this.queue.run();
  }

  at(timeS: number, event: () => void): void {
    this.#pending += 1;
    this.queue.at(timeS, () => {
      this.#pending -= 1;
      event();
    });
  }

  prompt(): PromptWriter {
    return new PromptWriter(this.#options.situation.bytesPerToken);
  }

  send({ prompt, session, answerId, answerTokens, onDone }: Sending): void {
    const chain = prompt.chain();
    const promptTokens = prompt.tokens;
    const { openingBlocks, openingId } = prompt;
    prompt.message('assistant', [{ id: answerId, tokens: answerTokens }]);
    const keys = prompt.keys();
    const { situation } = this.#options;
    const exchange: Exchange = {
      facts: {
        kind: 'generation', surface: 'chat', model: 'lab', stream: true, prompts: [chain], openingBlocks, weight: 1, teaches: true, canAskUsage: false, cacheSalt: '', previousResponseId: undefined,
        session, openingId, promptTokens, keys,
      },
      arrivedS: this.nowS,
      onDone,
      promptTokens,
      outputTokens: answerTokens,
      keys: this.#chance() < situation.missingShare ? missingFrom(keys, promptTokens / BLOCK_TOKENS, this.#chance) : keys,
      readsCache: true,
      attempt: 0,
      replica: -1,
      sequence: undefined,
      tried: [],
      predictedTokens: 0,
      firstTokenS: undefined,
      endS: undefined,
      failed: false,
    };
    this.#pending += 1;
    this.exchanges.push(exchange);
    this.#dispatch(exchange);
  }

  #dispatch(exchange: Exchange): void {
    const { dispatcher } = this.#router;
    while (exchange.tried.length < ATTEMPTS_MAX) {
      const assignment = dispatcher.assign({ facts: exchange.facts, listener: 'lab', excluded: exchange.tried });
      if (assignment.kind === 'refused') break;
      exchange.attempt = assignment.attempt;
      exchange.predictedTokens = assignment.predictedCachedTokens;
      exchange.replica = this.#router.replicaOf(assignment.endpoint.id);
      exchange.tried.push(assignment.endpoint.id);
      const replica = this.#replicas[exchange.replica]!;
      if (replica.up) {
        this.#inFlight[exchange.replica]!.add(exchange);
        exchange.sequence = replica.add(exchange);
        return;
      }
      dispatcher.finish(exchange.attempt, { kind: 'unreachable', refused: true });
    }
    exchange.failed = true;
    this.#end(exchange);
  }

  #firstToken(exchange: Exchange): void {
    exchange.firstTokenS = this.nowS;
    this.#router.dispatcher.firstToken(exchange.attempt);
  }

  #complete(exchange: Exchange): void {
    const { promptTokens, outputTokens, sequence } = exchange;
    const usage = this.#options.situation.reportsUsage ? { promptTokens, completionTokens: outputTokens, cachedTokens: sequence!.cachedTokens } : undefined;
    this.#leave(exchange, { kind: 'complete', usage, responseId: undefined });
    this.#end(exchange);
  }

  #leave(exchange: Exchange, outcome: Outcome): void {
    this.#inFlight[exchange.replica]!.delete(exchange);
    this.#router.dispatcher.finish(exchange.attempt, outcome);
  }

  #end(exchange: Exchange): void {
    exchange.endS = this.nowS;
    this.#pending -= 1;
    exchange.onDone?.(this.nowS);
  }

  /** Requests that had no token yet are tried again elsewhere; the others are lost. */
  #restart(at: number, downS: number): void {
    const replica = this.#replicas[at]!;
    replica.kill();
    for (const exchange of Array.from(this.#inFlight[at]!)) {
      this.#leave(exchange, { kind: 'reset', stale: false });
      if (exchange.firstTokenS === undefined) {
        this.#dispatch(exchange);
      } else {
        exchange.failed = true;
        this.#end(exchange);
      }
    }
    this.at(this.nowS + downS, () => {
      replica.up = true;
      this.#router.up(at);
    });
  }

  #addReplica(): void {
    const { fleet, situation } = this.#options;
    const at = this.#replicas.length;
    const blocks = Math.floor(fleet.preset.kvTokens / BLOCK_TOKENS) + 1;
    const events = { firstToken: (exchange: Exchange) => this.#firstToken(exchange), complete: (exchange: Exchange) => this.#complete(exchange) };
    this.#replicas.push(new Replica({ preset: fleet.preset, blockTokens: BLOCK_TOKENS, blocks }, situation.slowness[at] ?? 1, this.queue, events));
    this.#inFlight.push(new Set());
    this.#router.up(at);
    this.#scrapeOne(at);
  }

  #scrape(): void {
    for (let at = 0; at < this.#replicas.length; at++) if (this.#replicas[at]!.up) this.#scrapeOne(at);
  }

  #scrapeOne(at: number): void {
    const { engine, process } = this.#replicas[at]!;
    this.#router.scraped(at, {
      running: engine.running,
      waiting: engine.waiting,
      kvUsage: engine.usage,
      capacityTokens: Math.round(this.#options.fleet.preset.kvTokens * this.#options.situation.toldCapacity),
      prefixQueries: engine.totals.cacheQueries,
      prefixHits: engine.totals.cacheHits,
      process,
    });
  }

  /** As long as there is something to wait for. */
  #repeat(everyS: number, task: () => void): void {
    this.queue.at(this.nowS + everyS, () => {
      task();
      if (this.#pending > 0) this.#repeat(everyS, task);
    });
  }
}
