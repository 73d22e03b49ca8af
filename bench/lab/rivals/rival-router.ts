// rival-router.ts: another router's rule behind the same seam: counts what such routers count, and asks the rule.

import type { Ask, Assignment, Dispatcher, Outcome, Refusal } from '../../../src/core/dispatcher.ts';
import { type Random, seededRandom } from '../../../src/core/random.ts';
import type { LabFacts } from '../exchange.ts';
import type { Router, RouterOptions } from '../router.ts';

/** One endpoint as a rule sees it. */
export interface Peer {
  readonly at: number;
  readonly id: string;
  up: boolean;
  /** Requests in flight. */
  inFlight: number;
  /** Uncached tokens of requests dispatched to it without a first token yet. */
  queuedTokens: number;
  /** Prompt tokens in flight. */
  promptTokens: number;
  /** Of the last scrape. */
  waiting: number;
  kvUsage: number;
}

export interface Request {
  readonly facts: LabFacts;
  /** Never empty. */
  readonly peers: readonly Peer[];
  /** Tokens that the rule's index says each of `peers` holds; zeros without an index. */
  readonly matched: readonly number[];
  readonly random: Random;
}

/** What a router knows of who holds what. */
export interface Memory {
  /** Tokens of the prompt that each of `peers` holds. */
  matchedTokens(facts: LabFacts, peers: readonly Peer[]): number[];
  sent(facts: LabFacts, peer: Peer): void;
}

export interface Rule {
  readonly memory?: Memory | undefined;
  readonly scrapeEveryS?: number | undefined;
  /** The place in `peers` of the chosen one. */
  choose(request: Request): number;
}

interface Attempt {
  readonly peer: Peer;
  readonly facts: LabFacts;
  readonly uncachedTokens: number;
  hasToken: boolean;
}

export function createRivalRouter(rule: Rule, { seed }: RouterOptions): Router {
  const peers: Peer[] = [];
  return {
    dispatcher: new RivalDispatcher(rule, peers, seededRandom(seed)),
    scrapeEveryS: rule.scrapeEveryS,
    replicaOf: Number,
    up(replica) {
      while (peers.length <= replica) {
        peers.push({ at: peers.length, id: String(peers.length), up: true, inFlight: 0, queuedTokens: 0, promptTokens: 0, waiting: 0, kvUsage: 0 });
      }
      peers[replica]!.up = true;
    },
    scraped(replica, { waiting, kvUsage }) {
      const peer = peers[replica]!;
      peer.waiting = waiting;
      peer.kvUsage = kvUsage;
    },
  };
}

class RivalDispatcher implements Dispatcher {
  readonly #rule: Rule;
  readonly #peers: readonly Peer[];
  readonly #random: Random;
  readonly #attempts = new Map<number, Attempt>();
  #assigned = 0;

  constructor(rule: Rule, peers: readonly Peer[], random: Random) {
    this.#rule = rule;
    this.#peers = peers;
    this.#random = random;
  }

  assign(ask: Ask): Assignment | Refusal {
    const facts = ask.facts as LabFacts;
    const { memory } = this.#rule;
    const peers = this.#peers.filter((peer) => peer.up && !ask.excluded.includes(peer.id));
    if (peers.length === 0) {
      return { kind: 'refused', reason: 'no_endpoint_available', status: 503, message: 'none is up', param: undefined, retryAfterS: undefined };
    }
    const matched = memory?.matchedTokens(facts, peers) ?? peers.map(() => 0);
    const chosen = this.#rule.choose({ facts, peers, matched, random: this.#random });
    const peer = peers[chosen]!;
    const cachedTokens = Math.min(matched[chosen]!, facts.promptTokens - 1);
    const attempt: Attempt = { peer, facts, uncachedTokens: facts.promptTokens - cachedTokens, hasToken: false };
    peer.inFlight += 1;
    peer.queuedTokens += attempt.uncachedTokens;
    peer.promptTokens += facts.promptTokens;
    memory?.sent(facts, peer);
    this.#attempts.set(++this.#assigned, attempt);
    return {
      kind: 'assigned',
      attempt: this.#assigned,
      endpoint: { id: peer.id, pool: 'lab', origin: '', apiKey: undefined },
      model: facts.model,
      upstreamModel: undefined,
      asksUsage: false,
      criticality: 'standard',
      policy: 'random',
      matchRatio: cachedTokens / facts.promptTokens,
      promptTokens: facts.promptTokens,
      predictedCachedTokens: memory === undefined ? NaN : cachedTokens,
    };
  }

  leave(): void {}

  explain(): never {
    throw new Error('Rivals keep no reasons');
  }

  standing(): 'up' {
    return 'up';
  }

  firstToken(number: number): void {
    const attempt = this.#attempts.get(number)!;
    if (attempt.hasToken) return;
    attempt.hasToken = true;
    attempt.peer.queuedTokens -= attempt.uncachedTokens;
  }

  finish(number: number, outcome: Outcome): void {
    this.firstToken(number);
    const { peer, facts } = this.#attempts.get(number)!;
    this.#attempts.delete(number);
    peer.inFlight -= 1;
    peer.promptTokens -= facts.promptTokens;
    if (outcome.kind === 'unreachable') peer.up = false;
  }
}
