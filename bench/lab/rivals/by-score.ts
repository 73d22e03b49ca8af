// by-score.ts: rules that weigh what is held against what waits.

import { BLOCK_TOKENS } from '../prompt-writer.ts';
import { least, leastOf } from './choosing.ts';
import { countedBlocks, freshBlocks, recentBlocks } from './memories.ts';
import type { Request, Rule } from './rival-router.ts';

/** 64 tokens, in the engine's blocks. */
const GIE_BLOCK = 4;
const GIE_SCRAPE_S = 0.05;

/** The capacity in the engine's blocks taken for one in its own, four times as large. */
const gieMemory = (capacityTokens: number) => countedBlocks(GIE_BLOCK, Math.floor(capacityTokens / BLOCK_TOKENS));

/** The default profile of the Gateway API inference extension. */
export function gieDefault(capacityTokens: number): Rule {
  return {
    memory: gieMemory(capacityTokens),
    scrapeEveryS: GIE_SCRAPE_S,
    choose({ facts, peers, matched, random }) {
      const longest = Math.max(...peers.map((peer) => peer.waiting));
      const shortest = Math.min(...peers.map((peer) => peer.waiting));
      const scores = peers.map(({ waiting, kvUsage }, at) => {
        const queue = longest === shortest ? 1 : (longest - waiting) / (longest - shortest);
        return 2 * queue + 2 * (1 - kvUsage) + (3 * matched[at]!) / facts.promptTokens;
      });
      return least(scores.map((score) => -score), random);
    },
  };
}

const uncachedOf = ({ facts, matched }: Request): number[] => matched.map((tokens) => facts.promptTokens - Math.min(tokens, facts.promptTokens - 1));

/** Its scores are finer than a token up to this many, and equal beyond. */
const LLMD_TOKENS_MAX = 4_194_304;
const LLMD_MATCH = 0.8;
const LLMD_TOKENS_PER_S = 15_928;
const LLMD_WORSE_MAX_S = 18;

export function llmdNewest(capacityTokens: number): Rule {
  return {
    memory: gieMemory(capacityTokens),
    choose(request) {
      const { facts, peers, matched, random } = request;
      const isWarm = matched.map((tokens) => tokens / facts.promptTokens >= LLMD_MATCH);
      const waits = (warm: boolean): number => Math.min(...peers.filter((_, at) => isWarm[at] === warm).map((peer) => peer.queuedTokens / LLMD_TOKENS_PER_S));
      const stays = isWarm.includes(true) && waits(true) - waits(false) <= LLMD_WORSE_MAX_S;
      const uncached = uncachedOf(request);
      const scores = peers.map((peer, at) => Math.min(peer.queuedTokens + uncached[at]!, LLMD_TOKENS_MAX));
      return leastOf(scores, isWarm.map((warm) => !stays || warm), random);
    },
  };
}

const DYNAMO_LIFE_S = 120;

export function dynamo(nowMs: () => number): Rule {
  return {
    memory: freshBlocks(DYNAMO_LIFE_S, nowMs),
    choose(request) {
      const uncached = uncachedOf(request);
      const scores = request.peers.map((peer, at) => (peer.queuedTokens + uncached[at]! + peer.promptTokens + request.facts.promptTokens) / BLOCK_TOKENS);
      return least(scores, request.random);
    },
  };
}

/** LMetric (OSDI 26): tokens to compute × requests. */
export function lmetric(capacityTokens: number): Rule {
  return {
    memory: recentBlocks(Math.floor(capacityTokens / BLOCK_TOKENS)),
    choose(request) {
      const uncached = uncachedOf(request);
      return least(request.peers.map((peer, at) => (peer.queuedTokens + uncached[at]!) * (peer.inFlight + 1)), request.random);
    },
  };
}
